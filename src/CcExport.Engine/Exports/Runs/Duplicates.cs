using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Where a profile stands in its source; a row of 0 is not known.</summary>
internal readonly record struct ProfilePlace(int Segment, long Row);

/// <summary>
/// Who lost to whom in a run. A profile is known by its number in the run, from 1 over all segments: 4 bytes for each duplicate. Where the newest
/// one wins, 8 more for each profile that another took the place of, 8 for each note or rule, and a byte a profile where it counts what has changed.
/// </summary>
internal sealed class Duplicates
{
    /// <summary>Rows of one segment that were read one after the other. Segments that are read together have one for each batch, else each has one.</summary>
    private readonly List<Stretch> _stretches = [];
    private readonly List<List<Stretch>> _ofSegments = [];
    private readonly List<uint> _winners = [];
    /// <summary>Loser and, in the lower half, winner. Closed: by loser, and each with the winner that was not beaten itself.</summary>
    private readonly List<ulong> _beaten = [];
    /// <summary>Profile and, in the lower half, which of the things that can be said.</summary>
    private readonly List<ulong> _said = [];
    private readonly List<(RejectionKind, string)> _sayings = [];
    private byte[] _fates = [];

    /// <param name="Before">Profiles that were read before it.</param>
    /// <param name="Row">The number in its segment of its first row.</param>
    private readonly record struct Stretch(long Before, int Segment, long Row);

    private const byte IsUnchanged = 1, IsNew = 2, IsRemembered = 4;

    /// <summary>Some segment has a column with keys.</summary>
    public bool HasKeys { get; set; }

    /// <summary>Profiles that were to be sent until a newer one took their place.</summary>
    public int Beaten => _beaten.Count;

    /// <summary>Nobody lost to anybody.</summary>
    public bool None => _winners.Count == 0 && _beaten.Count == 0;

    /// <summary>Of these, once it is closed: those that were unchanged.</summary>
    public int BeatenUnchanged { get; private set; }

    /// <summary>Of these, once it is closed: those that were proved not to be on the list.</summary>
    public int BeatenNew { get; private set; }

    /// <summary>Of these, once it is closed: those that are remembered and still on the list.</summary>
    public int BeatenRemembered { get; private set; }

    /// <summary>Of these, once it is closed: those that lie in a batch.</summary>
    public long BeatenSealed => Beaten - BeatenUnchanged - SaidOfBeaten.Where(s => s.Key.Kind == RejectionKind.Suppressed).Sum(s => s.Value);

    /// <summary>What was said of these before, and stands no more: notes, and rules that held them out. Known once it is closed.</summary>
    public IReadOnlyDictionary<(RejectionKind Kind, string Reason), long> SaidOfBeaten { get; private set; } = new Dictionary<(RejectionKind, string), long>();

    /// <summary>Some profile that may yet be beaten is unchanged.</summary>
    public bool AnyUnchanged { get; private set; }

    /// <summary>Some profile with a good address is in no batch, and its key among the rejections.</summary>
    public bool KeysInRejections { get; set; }

    /// <summary>The number of the profile that is the so-many-th to be read.</summary>
    public static uint NumberOf(long read) => read >= DuplicateIndex.Unnumbered ? DuplicateIndex.Unnumbered : (uint)read;

    public uint NumberOf(ProfilePlace place)
    {
        List<Stretch> all = _ofSegments[place.Segment];
        int low = 0, high = all.Count - 1;
        while (low < high)
        {
            int middle = high - ((high - low) >> 1);
            if (all[middle].Row <= place.Row) low = middle;
            else high = middle - 1;
        }
        return NumberOf(all[low].Before + place.Row - all[low].Row + 1);
    }

    public ProfilePlace PlaceOf(uint number)
    {
        if (number == DuplicateIndex.Unnumbered) return default;
        int low = 0, high = _stretches.Count - 1;
        while (low < high)
        {
            int middle = high - ((high - low) >> 1);
            if (_stretches[middle].Before < number) low = middle;
            else high = middle - 1;
        }
        Stretch its = _stretches[low];
        return new ProfilePlace(its.Segment, its.Row + number - its.Before - 1);
    }

    /// <summary>The rows that come now.</summary>
    /// <param name="row">The number in its segment of the first of them.</param>
    /// <param name="read">Profiles that were read before it.</param>
    public void Begin(int segment, long row, long read)
    {
        if (_stretches.Count > 0 && _stretches[^1] is var last && last.Segment == segment && last.Row - last.Before == row - read) return;
        var stretch = new Stretch(read, segment, row);
        _stretches.Add(stretch);
        while (_ofSegments.Count <= segment) _ofSegments.Add([]);
        _ofSegments[segment].Add(stretch);
    }

    /// <summary>A profile lost to this one.</summary>
    public void Won(uint winner) => _winners.Add(winner);

    /// <summary>A later profile takes the place of one that was to be sent.</summary>
    public void Beat(uint loser, uint winner) => _beaten.Add(((ulong)loser << 32) | winner);

    /// <summary>A profile that may yet be beaten was noted, or held out.</summary>
    public void Said(uint number, RejectionKind kind, string reason)
    {
        int at = _sayings.IndexOf((kind, reason));
        if (at < 0)
        {
            at = _sayings.Count;
            _sayings.Add((kind, reason));
        }
        _said.Add(((ulong)number << 32) | (uint)at);
    }

    /// <summary>A profile that may yet be beaten is not sent because nothing has changed.</summary>
    public void SetUnchanged(uint number)
    {
        AnyUnchanged = KeysInRejections = true;
        Fate(number) |= IsUnchanged;
    }

    /// <summary>What is known of a profile that may yet be beaten.</summary>
    public void SetStanding(uint number, Standing standing) => Fate(number) |= standing == Standing.New ? IsNew : IsRemembered;

    private ref byte Fate(uint number)
    {
        if (number >= _fates.Length) Array.Resize(ref _fates, (int)Math.Min(Array.MaxLength, Math.Max(1024, number * 2L)));
        return ref _fates[number];
    }

    /// <summary>All is read: from here on it is known who wins in the end.</summary>
    public void Close()
    {
        _beaten.Sort();
        // A winner stands behind its loser, so that its own is settled by the time it is asked for.
        for (int i = _beaten.Count - 1; i >= 0; i--)
        {
            uint winner = WinnerOf((uint)_beaten[i]);
            _beaten[i] = (_beaten[i] & 0xFFFF_FFFF_0000_0000) | winner;
        }
        SaidOfBeaten = _said.Where(s => IsBeaten((uint)(s >> 32))).GroupBy(s => _sayings[(int)(uint)s]).ToDictionary(g => g.Key, g => g.LongCount());
        foreach (uint loser in Losers())
        {
            if (loser >= _fates.Length) continue;
            if ((_fates[loser] & IsUnchanged) != 0) BeatenUnchanged++;
            if ((_fates[loser] & IsNew) != 0) BeatenNew++;
            if ((_fates[loser] & IsRemembered) != 0) BeatenRemembered++;
        }
        _said.Clear();
        _fates = [];
        for (int i = 0; i < _winners.Count; i++) _winners[i] = WinnerOf(_winners[i]);
        foreach (ulong pair in _beaten) _winners.Add((uint)pair);
        _winners.RemoveAll(w => w == DuplicateIndex.Unnumbered);
        _winners.Sort();
    }

    /// <summary>Once closed: who won, each once, in the order of their numbers.</summary>
    public IEnumerable<uint> Winners()
    {
        uint last = 0;
        foreach (uint winner in _winners)
        {
            if (winner == last) continue;
            last = winner;
            yield return winner;
        }
    }

    /// <summary>Once closed: those that were beaten, in the order of their numbers.</summary>
    public IEnumerable<uint> Losers() => _beaten.Select(pair => (uint)(pair >> 32));

    public bool IsBeaten(uint number) => Find(number) >= 0;

    /// <summary>Who has the place of a profile in the end: another, or itself.</summary>
    public uint WinnerOf(uint number) => Find(number) is var at && at >= 0 ? (uint)_beaten[at] : number;

    private int Find(uint loser)
    {
        int low = 0, high = _beaten.Count - 1;
        while (low <= high)
        {
            int middle = low + ((high - low) >> 1);
            uint there = (uint)(_beaten[middle] >> 32);
            if (there == loser) return middle;
            if (there < loser) low = middle + 1;
            else high = middle - 1;
        }
        return -1;
    }
}
