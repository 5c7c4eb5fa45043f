using System.Buffers;
using System.Text;
using System.Text.Json;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Upload;

namespace CcExport.Engine.Exports;

/// <summary>
/// Takes people off a list, once, in the way that costs least, and says whether the list's number of members proves that all have gone. Everything in it may be done
/// twice: a job takes nobody off who is not there. Nobody is deleted from the account.
/// </summary>
/// <param name="begins">Told right before the first job that takes somebody off: written down before it leaves.</param>
/// <param name="claim">Told the id of each job, so that no run takes it for a lost import of its own.</param>
internal sealed class ListRemover(EngineParts parts, ConstantContactClient client, ISpool spool, Func<CancellationToken, Task> assure, Func<Task> begins, Func<string, Task> claim,
    Action<string> verbose)
{
    private static readonly TimeSpan PerContact = TimeSpan.FromMicroseconds(25);

    private readonly UploadOptions _options = parts.Upload;

    /// <summary>The list that it made to remove by; null: none.</summary>
    public ContactList? Scratch { get; private set; }

    /// <summary>Takes off those of <paramref name="plan"/> that <paramref name="whom"/> has (null: all of them).</summary>
    /// <param name="whom">Known to be on the list now.</param>
    /// <param name="makeScratch">Names a list to remove them by and writes the name down, before there is one.</param>
    /// <returns>True when the number of members proves that they have gone; and how many fewer members the list has now.</returns>
    public async Task<(bool Proved, long Fewer)> RemoveAsync(string listId, Removal plan, DuplicateIndex? whom, Func<Task<string>> makeScratch, CancellationToken ct)
    {
        long people = whom?.Count ?? plan.Planned;
        bool idsKnown = await AreIdsKnownAsync(plan, ct).ConfigureAwait(false);
        RemovalWay way = RemovalCost.Cheapest(people, plan.Members, idsKnown, parts.BatchRows);
        if (way == RemovalWay.Scratch)
        {
            string name = await makeScratch().ConfigureAwait(false);
            if (await MakeAsync(name, ct).ConfigureAwait(false) is { } scratch) return await ThroughAsync(scratch, listId, plan, whom, people, ct).ConfigureAwait(false);
            way = RemovalCost.Cheapest(people, plan.Members, idsKnown, parts.BatchRows, scratch: false);
        }
        verbose(FormattableString.Invariant($"{people:N0} people are taken off the list by their ids ({way})."));
        List<Guid> ids = way switch
        {
            RemovalWay.KnownIds => await KnownIdsAsync(plan, whom, ct).ConfigureAwait(false),
            RemovalWay.Each => await EachIdAsync(plan, whom, ct).ConfigureAwait(false),
            _ => await IdsOfPagesAsync(listId, plan, whom, ct).ConfigureAwait(false),
        };
        await assure(ct).ConfigureAwait(false);
        long before = await MembersAsync(listId, ct).ConfigureAwait(false);
        List<string> jobs = [];
        await begins().ConfigureAwait(false);
        foreach (Guid[] some in ids.Chunk(ConstantContactClient.IdsOfOneRemoval))
        {
            await assure(ct).ConfigureAwait(false);
            jobs.Add((await client.RemoveMembersAsync([.. some.Select(id => id.ToString("D"))], listId, ct).ConfigureAwait(false)).ActivityId);
            await claim(jobs[^1]).ConfigureAwait(false);
        }
        return await GoneAsync(listId, before, people, jobs, ct).ConfigureAwait(false);
    }

    /// <summary>Null where this user, or this account, makes no more lists: there is another way.</summary>
    private async Task<ContactList?> MakeAsync(string name, CancellationToken ct)
    {
        try
        {
            await assure(ct).ConfigureAwait(false);
            return Scratch = await client.CreateListAsync(name, "Made by CcExport to take people off a list; it is deleted at once. It may be deleted by hand.", ct).ConfigureAwait(false);
        }
        catch (CcException e) when (e.ErrorId is "PrivilegeMissing" or "ScopeMissing" or "AccessDenied" or "ServiceRefused")
        {
            verbose($"No list can be made to remove people by: {e.Message}");
            return null;
        }
    }

    private async Task<(bool, long)> ThroughAsync(ContactList scratch, string listId, Removal plan, DuplicateIndex? whom, long people, CancellationToken ct)
    {
        verbose(FormattableString.Invariant($"{people:N0} people are taken off the list through the list '{scratch.Name}'."));
        List<string> jobs = await FillAsync(scratch, plan, whom, ct).ConfigureAwait(false);
        (long before, long filled) = await FilledAsync(scratch, listId, people, jobs, ct).ConfigureAwait(false);
        if (filled == 0) return (false, 0);
        await begins().ConfigureAwait(false);
        await assure(ct).ConfigureAwait(false);
        string job = (await client.RemoveMembersOfAsync(scratch.ListId, listId, ct).ConfigureAwait(false)).ActivityId;
        await claim(job).ConfigureAwait(false);
        return await GoneAsync(listId, before, people, [job], ct).ConfigureAwait(false);
    }

    /// <summary>Puts bare addresses on a list: everything else of a contact stays as it is.</summary>
    private async Task<List<string>> FillAsync(ContactList scratch, Removal plan, DuplicateIndex? whom, CancellationToken ct)
    {
        List<string> jobs = [];
        var body = new ImportBody(scratch.ListId);
        for (int piece = 0; piece < plan.Pieces; piece++)
        {
            (byte[] rented, int length) = await spool.ReadBodyAsync(plan.First + piece, ct).ConfigureAwait(false);
            try
            {
                for (int at = 0; at < length;)
                {
                    at = Take(rented.AsSpan(0, length), at, whom, body);
                    if (at < length) await SendAsync().ConfigureAwait(false);
                }
            }
            finally
            {
                BatchMemory.Pool.Return(rented, clearArray: true);
            }
        }
        if (body.Rows > 0) await SendAsync().ConfigureAwait(false);
        return jobs;

        async Task SendAsync()
        {
            if (await ImportAsync(body.Complete(), ct).ConfigureAwait(false) is { } job)
            {
                jobs.Add(job);
                await claim(job).ConfigureAwait(false);
            }
            body.Restart();
        }
    }

    /// <summary>Takes from a piece until the body is full; returns where it came to.</summary>
    private int Take(ReadOnlySpan<byte> piece, int at, DuplicateIndex? whom, ImportBody body)
    {
        var row = new AddressReader(piece[at..]);
        while (body.Rows < parts.BatchRows && body.Length + ImportBody.LongestRow < parts.BatchBytes && row.Next())
        {
            if (whom?.Contains(row.Hash) != false) body.Add(row.Address);
            at = piece.Length - row.Left;
        }
        return at;
    }

    /// <summary>The list is ours alone, so a lost answer is no doubt worth a search: it is sent again. Null when the last answer was lost as well.</summary>
    private async Task<string?> ImportAsync(ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await assure(ct).ConfigureAwait(false);
                return (await client.ImportAsync(body, ct, assure).ConfigureAwait(false)).ActivityId;
            }
            catch (InDoubtException e)
            {
                verbose($"The answer to an import into the list to remove by was lost: {e.Message}");
                if (attempt >= _options.Attempts) return null;
                await Task.Delay(_options.LookInterval, parts.Time, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Waits until the list to remove by is filled, and returns the members of the target as well: one call for both. When all jobs have ended and some are missing,
    /// they cannot be added (people who unsubscribed since), and it is as full as it gets.
    /// </summary>
    private async Task<(long Before, long Filled)> FilledAsync(ContactList scratch, string listId, long people, List<string> jobs, CancellationToken ct)
    {
        long before = 0, filled = 0;
        await LookAsync(jobs, people, async () =>
        {
            IReadOnlyList<ContactList> lists = await client.GetListsAsync(ct).ConfigureAwait(false);
            before = Members(lists, listId);
            filled = Members(lists, scratch.ListId);
            return filled >= people;
        }, ct).ConfigureAwait(false);
        return (before, filled);

        static long Members(IReadOnlyList<ContactList> lists, string id) => lists.FirstOrDefault(l => l.ListId.Equals(id, StringComparison.OrdinalIgnoreCase))?.MembershipCount ?? 0;
    }

    private async Task<(bool, long)> GoneAsync(string listId, long before, long people, List<string> jobs, CancellationToken ct)
    {
        long after = before;
        bool gone = await LookAsync(jobs, people, async () => (after = await MembersAsync(listId, ct).ConfigureAwait(false)) == before - people, ct).ConfigureAwait(false);
        return (gone, before - after);
    }

    /// <summary>
    /// Waits for what jobs do. First it is looked whether it is done, which mostly it is and needs no look at the jobs; then the jobs are followed to their end, and it is looked once more.
    /// </summary>
    private async Task<bool> LookAsync(List<string> jobs, long people, Func<Task<bool>> isDone, CancellationToken ct)
    {
        long began = parts.Time.GetTimestamp();
        int missing = 0;
        bool first = true;
        // A job of many takes its time, and a look too early is a call for nothing.
        for (TimeSpan wait = _options.FirstPoll + (PerContact * people); ; wait = wait * 2 < _options.MaxPoll ? wait * 2 : _options.MaxPoll)
        {
            await Task.Delay(wait, parts.Time, ct).ConfigureAwait(false);
            await assure(ct).ConfigureAwait(false);
            if (first && await isDone().ConfigureAwait(false)) return true;
            first = false;
            Dictionary<string, Activity> known = (await client.GetActivitiesAsync(ct).ConfigureAwait(false)).ToDictionary(a => a.ActivityId);
            bool seen = jobs.TrueForAll(known.ContainsKey);
            missing = seen ? 0 : missing + 1;
            bool over = jobs.TrueForAll(j => !known.TryGetValue(j, out Activity? job) ? missing >= _options.PollsWithoutJob : job.IsTerminal);
            if (over || parts.Time.GetElapsedTime(began) > _options.JobDeadline) return await isDone().ConfigureAwait(false);
        }
    }

    private async Task<long> MembersAsync(string listId, CancellationToken ct) => (await client.GetListAsync(listId, ct).ConfigureAwait(false))?.MembershipCount ?? 0;

    private async Task<bool> AreIdsKnownAsync(Removal plan, CancellationToken ct)
    {
        bool known = true;
        await plan.ReadAsync(spool, piece =>
        {
            var row = new AddressReader(piece.Span);
            while (known && row.Next()) known = row.Id != default;
        }, ct).ConfigureAwait(false);
        return known;
    }

    private async Task<List<Guid>> KnownIdsAsync(Removal plan, DuplicateIndex? whom, CancellationToken ct)
    {
        List<Guid> ids = [];
        await plan.ReadAsync(spool, piece =>
        {
            var row = new AddressReader(piece.Span);
            while (row.Next())
            {
                if (whom?.Contains(row.Hash) != false) ids.Add(row.Id);
            }
        }, ct).ConfigureAwait(false);
        return ids;
    }

    private async Task<List<Guid>> EachIdAsync(Removal plan, DuplicateIndex? whom, CancellationToken ct)
    {
        List<string> addresses = [];
        await plan.ReadAsync(spool, piece =>
        {
            var row = new AddressReader(piece.Span);
            while (row.Next())
            {
                if (whom?.Contains(row.Hash) != false) addresses.Add(Encoding.UTF8.GetString(row.Address));
            }
        }, ct).ConfigureAwait(false);
        List<Guid> ids = [];
        foreach (string address in addresses)
        {
            await client.ReadContactsAsync(new ContactQuery(Email: address), ConstantContactClient.IdsOfOneRemoval, contact =>
            {
                if (contact.Email.Equals(address, StringComparison.OrdinalIgnoreCase) && Guid.TryParse(contact.ContactId, out Guid id)) ids.Add(id);
            }, ct).ConfigureAwait(false);
        }
        return ids;
    }

    private async Task<List<Guid>> IdsOfPagesAsync(string listId, Removal plan, DuplicateIndex? whom, CancellationToken ct)
    {
        using DuplicateIndex planned = await HashesAsync(spool, plan, ct).ConfigureAwait(false);
        List<Guid> ids = [];
        await client.ReadContactsAsync(new ContactQuery(ListId: listId), long.MaxValue, contact =>
        {
            UInt128 hash = ListLook.HashOf(contact.Email);
            if (planned.Contains(hash) && whom?.Contains(hash) != false && Guid.TryParse(contact.ContactId, out Guid id)) ids.Add(id);
        }, ct).ConfigureAwait(false);
        return ids;
    }

    /// <summary>The hashes of all that a removal has.</summary>
    public static async Task<DuplicateIndex> HashesAsync(ISpool spool, Removal plan, CancellationToken ct)
    {
        var all = new DuplicateIndex();
        try
        {
            await plan.ReadAsync(spool, piece =>
            {
                var row = new AddressReader(piece.Span);
                while (row.Next()) all.Add(row.Hash);
            }, ct).ConfigureAwait(false);
            return all;
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }

    /// <summary>An import of nothing but addresses, in the making.</summary>
    private sealed class ImportBody
    {
        /// <summary>Bytes that the next row, and the end, take at most: each byte of an address may be escaped.</summary>
        public const int LongestRow = (byte.MaxValue * 6) + 128;

        private readonly ArrayBufferWriter<byte> _text = new();
        private readonly string _listId;
        private Utf8JsonWriter _json;

        public ImportBody(string listId)
        {
            _listId = listId;
            _json = Begin();
        }

        public int Rows { get; private set; }

        public long Length => _json.BytesCommitted + _json.BytesPending;

        public void Add(ReadOnlySpan<byte> address)
        {
            _json.WriteStartObject();
            _json.WriteString("email"u8, address);
            _json.WriteEndObject();
            Rows++;
        }

        public ReadOnlyMemory<byte> Complete()
        {
            _json.WriteEndArray();
            _json.WriteStartArray("list_ids"u8);
            _json.WriteStringValue(_listId);
            _json.WriteEndArray();
            _json.WriteEndObject();
            _json.Flush();
            return _text.WrittenMemory;
        }

        public void Restart()
        {
            _json.Dispose();
            _text.Clear();
            Rows = 0;
            _json = Begin();
        }

        private Utf8JsonWriter Begin()
        {
            var json = new Utf8JsonWriter(_text);
            json.WriteStartObject();
            json.WriteStartArray("import_data"u8);
            return json;
        }
    }
}
