using System.Text;
using CcExport.Engine.ConstantContact;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>What a look at a list before a run found.</summary>
internal sealed class ListState : IDisposable
{
    /// <summary>Members that this export does not remember; null where they were not read one by one.</summary>
    public DuplicateIndex? Others { get; init; }

    /// <summary>Everybody who has unsubscribed from the account; null where that was not asked.</summary>
    public DuplicateIndex? Unsubscribed { get; init; }

    /// <summary>Members of the list as the service counts them, or where it does not say, as they were read; null where they were not read either.</summary>
    public long? Members { get; init; }

    /// <summary>The sum of the hashes of all members, which other members would not have; null where they were not read one by one.</summary>
    public UInt128? Mark { get; init; }

    public void Dispose()
    {
        Others?.Dispose();
        Unsubscribed?.Dispose();
    }
}

/// <summary>
/// Looks at a list before anything is sent to it, at the least cost in calls that its size allows. A list without members, or to which nothing of ours was ever
/// added, has no leavers: no call. Up to a thousand members: their pages. Else a contact export: three calls, whatever the size. Pages of what has changed since
/// the last look would be fewer, but prove nothing: that leaving a list changes a contact is documented nowhere, and the number of members stays the same when
/// somebody else joins.
/// </summary>
/// <param name="few">Contacts in as many pages as cost less than a contact export.</param>
internal sealed class ListLook(ConstantContactClient client, ListReader reader, RunReporter reporter, int few)
{
    /// <param name="whole">Who is on the list has to be known, and not only who has left.</param>
    /// <param name="members">Takes every member of the list; null: their addresses are not kept.</param>
    /// <param name="copy">Takes the rows with their values, if they are read by a contact export; null: they are not asked for.</param>
    public async Task<ListState> LookAsync(ContactList list, ListMemory memory, bool whole, MemberKeep? members, CancellationToken ct, ListCopy? copy = null)
    {
        whole |= members is not null;
        if (memory.IsEmpty && !whole)
        {
            Looked("nothing of ours was ever there");
            return new ListState { Members = list.MembershipCount, Others = list.MembershipCount == 0 ? new DuplicateIndex() : null };
        }
        reporter.Stage("Looking", $"Looking who is on '{list.Name}'.");
        DuplicateIndex? unsubscribed = memory.IsEmpty ? null : await UnsubscribedAsync(ct).ConfigureAwait(false);
        DuplicateIndex? others = null;
        try
        {
            (others, UInt128 mark, long counted, TimeSpan? took) = await MembersAsync(list, memory, members?.Addresses, copy, ct).ConfigureAwait(false);
            DisownLeavers(memory.Own);
            if (memory.Own.Count > 0) await memory.SaveLookAsync(took, others.Count, ct).ConfigureAwait(false);
            return new ListState { Members = list.MembershipCount ?? counted, Others = others, Unsubscribed = unsubscribed, Mark = mark };
        }
        catch
        {
            unsubscribed?.Dispose();
            others?.Dispose();
            throw;
        }
    }

    private void Looked(string how) => reporter.Verbose($"The list was looked at: {how}.");

    /// <summary>Everybody who has unsubscribed from the account.</summary>
    public async Task<DuplicateIndex> UnsubscribedAsync(CancellationToken ct)
    {
        var index = new DuplicateIndex();
        try
        {
            if (await client.ReadContactsAsync(new ContactQuery(Status: "unsubscribed"), few, c => index.Add(HashOf(c.Email)), ct).ConfigureAwait(false)) return index;
            await reader.ReadRowsAsync(null, ["email_address"], ["unsubscribed"], [], _ =>
            {
                index.Dispose();
                index = new DuplicateIndex();
            }, (batch, _) =>
            {
                for (int row = 0; row < batch.Rows; row++) index.Add(SentContact.HashOf(batch[row, 0], default, default, NameFields.None));
                return default;
            }, ct).ConfigureAwait(false);
            return index;
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>Marks who is on the list, and returns the members that are not remembered, and the sum and number of all.</summary>
    private async Task<(DuplicateIndex Others, UInt128 Mark, long Count, TimeSpan? Took)> MembersAsync(ContactList list, ListMemory memory, AddressWriter? keep, ListCopy? copy, CancellationToken ct)
    {
        DuplicateIndex others = new();
        UInt128 sum = 0;
        long count = 0;
        void Begin()
        {
            others.Dispose();
            others = new DuplicateIndex();
            keep?.Restart();
            (sum, count) = (0, 0);
            foreach (FingerprintTable table in memory.Others.Append(memory.Own))
            {
                for (int i = 0; i < table.Count; i++) Mark(table, i, false);
            }
        }
        bool On(UInt128 address)
        {
            foreach (FingerprintTable other in memory.Others)
            {
                if (other.Find(address) is >= 0 and var there) Mark(other, there, true);
            }
            // A contact that two pages hold is one member.
            bool first;
            if (memory.Own.Find(address) is >= 0 and var at)
            {
                first = (memory.Own.All[at].Marks & Marks.Present) == 0;
                Mark(memory.Own, at, true);
            }
            else
            {
                first = others.Add(address);
            }
            if (first) (sum, count) = (unchecked(sum + address), count + 1);
            return first;
        }
        try
        {
            Begin();
            if (list.MembershipCount == 0)
            {
                Looked("it is empty");
                return (others, sum, count, null);
            }
            if (list.MembershipCount <= few
                && await client.ReadContactsAsync(new ContactQuery(ListId: list.ListId), few, c =>
                {
                    if (On(HashOf(c.Email))) keep?.Add(Encoding.UTF8.GetBytes(c.Email), c.ContactId);
                }, ct).ConfigureAwait(false))
            {
                if (keep is not null) await keep.CompleteAsync(ct).ConfigureAwait(false);
                Looked("by its pages");
                return (others, sum, count, null);
            }
            Looked("by a contact export");
            TimeSpan took;
            try
            {
                took = await ReadAsync().ConfigureAwait(false);
            }
            catch (CcException e) when (copy is not null && e.ErrorId == "ServiceRefused")
            {
                // Which fields a contact export takes is not documented. Values are for undoing only: who is on the list is asked for in any case.
                reporter.Verbose($"The list is looked at without the values of its members. {e.Message}");
                copy = null;
                took = await ReadAsync().ConfigureAwait(false);
            }
            Task<TimeSpan> ReadAsync() => reader.ReadRowsAsync(list.ListId, copy?.Fields.Asked ?? ["email_address"], [], copy?.Fields.Headings ?? [], has =>
            {
                Begin();
                copy?.Begin(has);
            }, async (batch, token) =>
            {
                for (int row = 0; row < batch.Rows; row++)
                {
                    if (On(SentContact.HashOf(batch[row, 0], default, default, NameFields.None))) keep?.Add(batch[row, 0], null);
                }
                if (keep is not null) await keep.WriteFullAsync(token).ConfigureAwait(false);
                if (copy is not null) await copy.TakeAsync(batch, token).ConfigureAwait(false);
            }, ct, expected: memory.Record?.LookTook);
            if (keep is not null) await keep.CompleteAsync(ct).ConfigureAwait(false);
            if (copy is not null) await copy.CompleteAsync(ct).ConfigureAwait(false);
            return (others, sum, count, took);
        }
        catch
        {
            others.Dispose();
            throw;
        }
    }

    /// <summary>Who has left is no longer there because of us: if she comes back by herself, or others put her there, she stays.</summary>
    private static void DisownLeavers(FingerprintTable own)
    {
        foreach (ref Fingerprint one in own.All)
        {
            if ((one.Marks & Marks.Present) == 0) one = one.With(one.Marks & ~Marks.Owned);
        }
    }

    private static void Mark(FingerprintTable table, int at, bool present)
    {
        ref Fingerprint one = ref table.All[at];
        one = one.With(present ? one.Marks | Marks.Present : one.Marks & ~Marks.Present);
    }

    public static UInt128 HashOf(string email) => SentContact.HashOf(Encoding.UTF8.GetBytes(email), default, default, NameFields.None);
}
