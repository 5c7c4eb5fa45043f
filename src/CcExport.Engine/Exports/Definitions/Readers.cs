using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>As whom a source is read: the export user of a connection, and nobody else.</summary>
internal static class Readers
{
    /// <summary>Whether there is an export user to read with.</summary>
    public static async Task<bool> AnyAsync(EngineParts parts, string? connection, CancellationToken ct)
        => await FindAsync(parts, connection, ct).ConfigureAwait(false) is not null;

    /// <summary>Tokens of the export user. <c>ExportUserMissing</c>; <c>ExportUserAmbiguous</c> when none was named and several could be meant.</summary>
    public static async Task<IAccessTokens> TokensAsync(EngineParts parts, string? connection, CancellationToken ct)
    {
        ExportUserRecord record = await FindAsync(parts, connection, ct).ConfigureAwait(false) ?? throw Missing(connection);
        return parts.OpenExportUser(parts, record);
    }

    private static async Task<ExportUserRecord?> FindAsync(EngineParts parts, string? connection, CancellationToken ct)
    {
        if (connection is not null)
        {
            ConnectionRecord found = await new ConnectionBook(parts).FindAsync(connection, ct).ConfigureAwait(false);
            return await parts.Store.ExportUsers.FindAsync(found.Id, ct).ConfigureAwait(false);
        }
        IReadOnlyList<ExportUserRecord> all = await parts.Store.ExportUsers.ListAsync(ct).ConfigureAwait(false);
        return all.Count <= 1 ? all.FirstOrDefault() : throw new CcException("ExportUserAmbiguous", CcErrorKind.InvalidArgument,
            FormattableString.Invariant($"There are {all.Count} export users, one for each of as many connections."), "Say whose export user is to read with -Connection.");
    }

    public static CcException Missing(string? connection) => new("ExportUserMissing", CcErrorKind.NotFound,
        connection is null ? "This source is read as an export user, and there is none." : $"This source is read as the export user of the connection '{connection}', and it has none.",
        "Add-CcExportUser signs one in.")
    { Subject = connection };
}
