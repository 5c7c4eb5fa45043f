using CcExport.Model;

// Random histories of an account, against a model of what each list must be.
if (ModelOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine("[--runs N] [--seed S] [--index I] [--parallel P]");
    return 2;
}
Tally tally = await ModelCommand.RunAsync(options, Console.Out);
return tally is { Divergences: 0, LeaversPutBack: 0, ForeignMembersRemoved: 0 } ? 0 : 1;
