using CcExport.Engine.ConstantContact;
using CcExport.Engine.Profiles;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>Reads a list back through the service's contact export: a job, and then a CSV file that is read as it comes.</summary>
internal sealed class ListReader(ConstantContactClient client, TimeProvider time, UploadOptions options)
{
    private const string EmailHeading = "Email address", FirstNameHeading = "First name", LastNameHeading = "Last name";

    /// <summary>The members of a list. <c>ListNotReadable</c> when the service does not give them.</summary>
    /// <param name="names">Names to compare; what the service's file does not have of them is not compared.</param>
    public Task<ListContent> ReadAsync(string listId, NameFields names, CancellationToken ct)
    {
        string[] fields = ["email_address", .. (names & NameFields.First) != 0 ? ["first_name"] : Array.Empty<string>(), .. (names & NameFields.Last) != 0 ? ["last_name"] : Array.Empty<string>()];
        return ReadAsync(listId, fields, [], names, ct);
    }

    /// <summary>Everybody in the account who has unsubscribed.</summary>
    public Task<ListContent> ReadUnsubscribedAsync(CancellationToken ct) => ReadAsync(null, ["email_address"], ["unsubscribed"], NameFields.None, ct);

    private async Task<ListContent> ReadAsync(string? listId, string[] fields, string[] status, NameFields names, CancellationToken ct)
    {
        Activity job = await EndOfAsync(await client.StartExportAsync(listId, fields, status, ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        ListContent? content = null;
        try
        {
            bool there = await client.ReadExportAsync(job, async (file, t) =>
            {
                // The line may have been cut half-way: what was read then counts for nothing.
                content?.Dispose();
                content = null;
                content = await FillAsync(file, names, t).ConfigureAwait(false);
            }, ct).ConfigureAwait(false);
            if (!there || content is null) throw NotReadable("its file is not there");
            (ListContent whole, content) = (content, null);
            return whole;
        }
        catch (CcException e) when (e.Kind == CcErrorKind.InvalidData)
        {
            throw NotReadable("its file is broken");
        }
        finally
        {
            content?.Dispose();
        }
    }

    private async Task<Activity> EndOfAsync(Activity job, CancellationToken ct)
    {
        string? results = job.ResultsHref;
        long began = time.GetTimestamp();
        int missing = 0;
        for (TimeSpan wait = options.FirstPoll; ; wait = wait * 2 < options.MaxListPoll ? wait * 2 : options.MaxListPoll)
        {
            await Task.Delay(wait, time, ct).ConfigureAwait(false);
            Activity? seen = await client.GetActivityAsync(job.ActivityId, ct).ConfigureAwait(false);
            missing = seen is null ? missing + 1 : 0;
            if (missing >= options.PollsWithoutJob) throw NotReadable("its job is no longer known");
            if (seen is { State: "completed" }) return seen with { ResultsHref = seen.ResultsHref ?? results };
            if (seen is { IsTerminal: true }) throw NotReadable($"its job ended as '{seen.State}'");
            if (time.GetElapsedTime(began) > options.ListDeadline) throw NotReadable("its job did not end in time");
        }
    }

    private static async Task<ListContent> FillAsync(Stream file, NameFields names, CancellationToken ct)
    {
        const string place = "the contact export";
        var reader = new CsvReader(file, new CsvFormat { Delimiter = (byte)',' }, place);
        IReadOnlyList<string> columns = await reader.ReadHeaderAsync(ct).ConfigureAwait(false);
        int email = Find(columns, EmailHeading), first = Find(columns, FirstNameHeading), last = Find(columns, LastNameHeading);
        if (email < 0) throw NotReadable($"its file has no column '{EmailHeading}'");
        if (first < 0) names &= ~NameFields.First;
        if (last < 0) names &= ~NameFields.Last;
        var content = new ListContent(names);
        try
        {
            await foreach (ProfileBatch batch in reader.ReadAsync([email, Math.Max(0, first), Math.Max(0, last)], 1, ct).ConfigureAwait(false))
            {
                for (int row = 0; row < batch.Rows; row++)
                {
                    if (batch.FaultOf(row) != RowFault.None) throw NotReadable("a line of its file is broken");
                    content.Add(batch[row, 0], batch[row, 1], batch[row, 2]);
                }
            }
        }
        catch
        {
            content.Dispose();
            throw;
        }
        return content;
    }

    private static int Find(IReadOnlyList<string> columns, string heading)
    {
        for (int i = 0; i < columns.Count; i++)
        {
            if (columns[i].TrimStart('\uFEFF').Equals(heading, StringComparison.OrdinalIgnoreCase)) return i;
        }
        return -1;
    }

    private static CcException NotReadable(string why) => new("ListNotReadable", CcErrorKind.Service, $"The list could not be read back: {why}.",
        "Resume-CcRun -Verify tries again later.");
}
