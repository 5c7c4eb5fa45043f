using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using CcExport.Engine.Profiles.Web;

namespace CcExport.Engine.Profiles.Dataverse;

/// <summary>
/// The profiles of members: looked up by their ids, or found in a scan of all profiles, whichever takes fewer requests. Of a page, the rows of the first
/// segment come before those of the second: who is in both is met in the first one first.
/// </summary>
/// <param name="columns">As the table spells them.</param>
internal sealed class MemberProfiles(Members members, IReadOnlyList<string> columns, PageClient client, SourceContext context)
{
    private const string What = "the profiles";

    /// <summary>Rows that are looked for together: by then the first one's place in the table has come from memory.</summary>
    private const int Together = 16;

    private readonly JsonRow _row = new([.. columns, Queries.CustomerId], [Queries.CustomerId]);
    private readonly ProfileBatch[] _batches = [.. Enumerable.Range(0, members.Segments).Select(_ => new ProfileBatch(columns.Count) { FirstRow = 1 })];
    private readonly long[] _rows = new long[members.Segments];
    private readonly ProfileBatch.Field[] _waiting = new ProfileBatch.Field[Together * columns.Count];
    private readonly UInt128[] _numbers = new UInt128[Together];
    private readonly RowFault[] _faults = new RowFault[Together];
    private bool _scans;
    private long _again, _scanned;

    public async IAsyncEnumerable<(int Segment, ProfileBatch Batch)> ReadAsync([EnumeratorCancellation] CancellationToken ct)
    {
        if (members.Ids.Count == 0) yield break;
        string select = client.Service.Root + Queries.Select(Queries.Profiles, [Queries.CustomerId, .. columns]);
        _scans = await ScansAsync(ct).ConfigureAwait(false);
        IEnumerable<string> addresses = _scans ? [select] : LookUps(select);
        await foreach (PageBody body in PageChain.ReadAsync(client, addresses, What, Take, ct).ConfigureAwait(false))
        {
            for (int segment = 0; segment < _batches.Length; segment++)
            {
                ProfileBatch batch = _batches[segment];
                if (batch.Rows == 0) continue;
                batch.Text = body.Bytes;
                yield return (segment, batch);
                batch.FirstRow += batch.Rows;
                batch.Clear();
            }
        }
    }

    /// <summary>Says what does not fit together; when all is read.</summary>
    public void Report()
    {
        for (int segment = 0; segment < _rows.Length; segment++)
        {
            long missing = members.CountOf(segment) - _rows[segment];
            if (missing > 0)
                context.Doubt(FormattableString.Invariant($"{missing:N0} of the {members.CountOf(segment):N0} members of '{members.NameOf(segment)}' have no profile in Dataverse and were not read. Memberships and profiles may be of different times: run the export again when no refresh is running."));
        }
        if (_again > 0)
            context.Doubt(FormattableString.Invariant($"{_again:N0} profiles came twice, because the table changed while its pages were read; each was taken once. Others may have been passed over: run the export again when no refresh is running."));
        if (_scans) context.Verbose(FormattableString.Invariant($"{_scanned:N0} profiles were scanned."));
    }

    private async Task<bool> ScansAsync(CancellationToken ct)
    {
        long lookUps = members.Texts.IsEmpty ? long.MaxValue : (members.Ids.Count + Queries.LookupIds - 1) / Queries.LookupIds;
        if (lookUps == 1) return false;
        if (lookUps == long.MaxValue) return true;
        long page = members.PageRows > 0 ? members.PageRows : Queries.PageRows;
        long? told = await CountAsync(ct).ConfigureAwait(false);
        // The count can be a day old. Less than there are members is no count; at least as many pages as members fill there are anyway.
        long profiles = Math.Max(told ?? 0, members.Ids.Count);
        long scan = (profiles + page - 1) / page;
        bool scans = lookUps > scan && (told >= members.Ids.Count || lookUps > LookUpsWithoutCount);
        context.Verbose(FormattableString.Invariant($"{members.Ids.Count:N0} members of {(told is null ? "a number of profiles that is not told" : FormattableString.Invariant($"about {profiles:N0} profiles"))}: {lookUps:N0} look-ups or {scan:N0} pages of a scan. {(scans ? "All profiles are scanned." : "They are looked up.")}"));
        return scans;
    }

    /// <summary>Where it is not known how many profiles there are, so many look-ups are made before a scan is tried.</summary>
    private const int LookUpsWithoutCount = 200;

    private async Task<long?> CountAsync(CancellationToken ct)
    {
        using JsonDocument? answer = await JsonAnswer.TryGetAsync(client, client.Service.Root + Queries.RowCount, "the number of profiles", ct).ConfigureAwait(false);
        if (answer is null || !answer.RootElement.TryGetProperty("EntityRecordCountCollection", out JsonElement collection)
            || collection.ValueKind != JsonValueKind.Object || !collection.TryGetProperty("Values", out JsonElement values)) return null;
        return JsonAnswer.Items(values) is [{ ValueKind: JsonValueKind.Number } count] && count.TryGetInt64(out long number) ? number : null;
    }

    private IEnumerable<string> LookUps(string select)
    {
        ReadOnlyMemory<byte> left = members.Texts;
        var filter = new StringBuilder();
        int ids = 0;
        while (left.Length > 0)
        {
            int end = left.Span.IndexOf((byte)'\n');
            string term = Queries.IdTerm(left.Span[..end]);
            left = left[(end + 1)..];
            if (ids == Queries.LookupIds || (ids > 0 && filter.Length + Queries.Or.Length + term.Length > Queries.LookupBytes))
            {
                yield return $"{select}&$filter={filter}";
                filter.Clear();
                ids = 0;
            }
            if (ids++ > 0) filter.Append(Queries.Or);
            filter.Append(term);
        }
        yield return $"{select}&$filter={filter}";
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? Take(PageBody body)
    {
        var page = new JsonPage(body.Text, _row);
        int id = columns.Count, waiting = 0;
        while (page.NextRow(out RowFault fault))
        {
            ReadOnlySpan<ProfileBatch.Field> fields = _row.Fields;
            ReadOnlySpan<byte> text = Members.Value(body, fields[id]);
            if (text.IsEmpty) throw NoId();
            UInt128 number = IdTable.Of(text);
            members.Ids.Expect(number);
            (_numbers[waiting], _faults[waiting]) = (number, fault);
            fields[..id].CopyTo(_waiting.AsSpan(waiting * id));
            if (++waiting < Together) continue;
            Choose(waiting);
            waiting = 0;
        }
        Choose(waiting);
        return PageChain.Follow(client, page.NextLink, What);
    }

    /// <summary>Takes those of the waiting rows that are members.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Choose(int rows)
    {
        _scanned += rows;
        for (int row = 0; row < rows; row++)
        {
            Span<byte> marks = members.Ids.MarksOf(_numbers[row]);
            if (marks.IsEmpty) continue;
            if (IdTable.Has(marks, members.SeenMark))
            {
                _again++;
                continue;
            }
            IdTable.Set(marks, members.SeenMark);
            for (int segment = 0; segment < _batches.Length; segment++)
            {
                if (!IdTable.Has(marks, segment)) continue;
                _waiting.AsSpan(row * columns.Count, columns.Count).CopyTo(_batches[segment].AddRow(_faults[row]));
                _rows[segment]++;
            }
        }
    }

    private CcException NoId() => new("ProfileUnreadable", CcErrorKind.InvalidData, "A row of the profiles cannot be read, or does not say of which customer it is.",
        "Wait until a refresh of Customer Insights - Data is over, then try again.")
    { Subject = client.Service.Place };
}
