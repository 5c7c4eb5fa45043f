namespace CcExport.Engine.Store;

/// <summary>What this login may do in the store. Said, not enforced, here: where several people share a store, the database enforces it.</summary>
/// <param name="ReadsSecrets">Refresh tokens and client secrets: it can run exports.</param>
/// <param name="Administers">It makes, changes and removes connections and sources.</param>
internal sealed record StoreAccess(bool ReadsSecrets, bool Administers)
{
    /// <summary>The owner of a home of his own.</summary>
    public static StoreAccess Whole { get; } = new(ReadsSecrets: true, Administers: true);

    /// <summary>What to throw when something needs a secret that the database does not show to this login.</summary>
    public static CcException RunnerOnly() => new("RunnerOnly", CcErrorKind.Permission, "This login may not read the tokens with which exports run; only a runner's may.",
        "Ask for the run: Invoke-CcExport with the name of a stored export has a runner do it. Or ask an administrator for the role ccexport_runner.");
}
