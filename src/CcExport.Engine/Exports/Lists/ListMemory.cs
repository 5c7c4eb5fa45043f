using CcExport.Engine.Fingerprints;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>
/// What is remembered of a list: the fingerprints of the export at hand, and those of the other exports to the same list, which know people of their own.
/// </summary>
internal sealed class ListMemory : IDisposable
{
    public const string KeyPurpose = "fingerprints";

    private readonly EngineParts _parts;

    private ListMemory(EngineParts parts, string export, string account, string listId, FingerprintRecord? record, FingerprintTable own, List<FingerprintTable> others)
        => (_parts, Export, Account, ListId, Record, Own, Others) = (parts, export, account, listId, record, own, others);

    public string Export { get; }
    public string Account { get; }
    public string ListId { get; }

    /// <summary>Null when this export has had nothing accepted there yet.</summary>
    public FingerprintRecord? Record { get; private set; }

    public FingerprintTable Own { get; }
    public IReadOnlyList<FingerprintTable> Others { get; }

    /// <summary>The newest run, of this export or another, that anything is remembered of; 0: none.</summary>
    public long LastRun { get; private init; }

    /// <summary>Nobody is remembered whom we put on the list: nobody can have left it.</summary>
    public bool IsEmpty => Own.Count == 0 && Others.All(o => o.Count == 0);

    /// <param name="export">The export; null: runs without a name.</param>
    /// <param name="forget">A file of this export that cannot be read is no hindrance: it begins anew.</param>
    public static async Task<ListMemory> OpenAsync(EngineParts parts, string? export, ConnectionRecord connection, string listId, bool forget, CancellationToken ct)
    {
        string account = AccountOf(connection.AccountId, connection.Id), key = NameKey.Of(export ?? "");
        FingerprintRecord? record = null;
        FingerprintTable? own = null;
        List<FingerprintTable> others = [];
        try
        {
            long last = 0;
            foreach (FingerprintRecord one in await parts.Store.Fingerprints.ListAsync(account, listId, ct).ConfigureAwait(false))
            {
                last = Math.Max(last, one.RunId);
                bool mine = NameKey.Of(one.Export) == key;
                if (mine) record = one;
                try
                {
                    FingerprintTable table = FingerprintFile.Read(parts.Home, one.File, parts.Secrets.Unprotect(KeyPurpose, one.Key));
                    if (mine) own = table;
                    else others.Add(table);
                }
                catch (CcException e) when (mine && forget && e.Kind == CcErrorKind.Storage)
                {
                    // Asked for: what it held is forgotten.
                }
            }
            return new ListMemory(parts, export ?? "", account, listId, record, own ?? FingerprintTable.Empty(), others) { LastRun = last };
        }
        catch
        {
            own?.Dispose();
            others.ForEach(o => o.Dispose());
            throw;
        }
    }

    public static string AccountOf(string? accountId, Guid connectionId) => accountId ?? connectionId.ToString("D");

    /// <summary>It was on the list because of us, and is not there any more.</summary>
    public bool HasLeft(UInt128 address)
    {
        if (HasLeft(Own, address)) return true;
        foreach (FingerprintTable other in Others)
        {
            if (HasLeft(other, address)) return true;
        }
        return false;

        static bool HasLeft(FingerprintTable table, UInt128 address)
            => table.Find(address) is >= 0 and var at && (table.All[at].Marks & (Marks.Confirmed | Marks.Present)) == Marks.Confirmed;
    }

    /// <summary>Whether a remembered contact was on the list at the last look, or has been accepted since; null: it is not remembered.</summary>
    public bool? IsOn(UInt128 address)
    {
        foreach (FingerprintTable table in Others.Append(Own))
        {
            if (table.Find(address) is >= 0 and var at) return (table.All[at].Marks & Marks.Present) != 0;
        }
        return null;
    }

    /// <summary>Some export, this or another, has had it accepted.</summary>
    public bool Knows(UInt128 address) => Own.Find(address) >= 0 || Others.Any(o => o.Find(address) >= 0);

    /// <summary>Another export had it accepted for this list.</summary>
    public bool IsOthers(UInt128 address)
    {
        foreach (FingerprintTable other in Others)
        {
            if (other.Find(address) is >= 0 and var at && (other.All[at].Marks & Marks.Confirmed) != 0) return true;
        }
        return false;
    }

    /// <summary>Writes down what the look has marked in <see cref="Own"/>.</summary>
    public async Task SaveLookAsync(TimeSpan? lookTook, long others, CancellationToken ct)
    {
        byte[] key = FingerprintFile.NewKey();
        string file = FingerprintFile.Write(_parts.Home, Own.All, key);
        Record = await ReplaceAsync(_parts, Record, new FingerprintRecord
        {
            Export = Export,
            Account = Account,
            ListId = ListId,
            File = file,
            Key = _parts.Secrets.Protect(KeyPurpose, key),
            Records = Own.Count,
            RunId = Record?.RunId ?? 0,
            UpdatedAt = _parts.Time.GetUtcNow(),
            LookTook = lookTook ?? Record?.LookTook,
            Others = others,
        }, ct).ConfigureAwait(false);
    }

    /// <summary>The record of an export and a list; null when it has had nothing accepted there yet.</summary>
    /// <param name="export">The export; null: runs without a name.</param>
    public static async Task<FingerprintRecord?> FindAsync(EngineParts parts, string? export, ConnectionRecord connection, string listId, CancellationToken ct)
    {
        string key = NameKey.Of(export ?? "");
        return (await parts.Store.Fingerprints.ListAsync(AccountOf(connection.AccountId, connection.Id), listId, ct).ConfigureAwait(false)).FirstOrDefault(r => NameKey.Of(r.Export) == key);
    }

    /// <summary>Makes a new file the one that is remembered: its name in the store, then the old file goes.</summary>
    public static async Task<FingerprintRecord> ReplaceAsync(EngineParts parts, FingerprintRecord? old, FingerprintRecord record, CancellationToken ct)
    {
        if (!await parts.Store.Fingerprints.PutAsync(record, old?.File, ct).ConfigureAwait(false))
        {
            FingerprintFile.Remove(parts.Home, record.File);
            // Only the run that holds the export's lease writes them.
            throw new CcException("LeaseLost", CcErrorKind.Conflict, "Another process has written what this export remembers.", "Get-CcRun shows the run that goes on.");
        }
        if (old is not null) FingerprintFile.Remove(parts.Home, old.File);
        return record;
    }

    public void Dispose()
    {
        Own.Dispose();
        foreach (FingerprintTable other in Others) other.Dispose();
    }
}
