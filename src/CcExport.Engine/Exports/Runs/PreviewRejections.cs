using System.Text;
using CcExport.Engine.Mapping;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>A preview's rejections: the first so many as objects, and all of them counted by reason.</summary>
internal sealed class PreviewRejections(string? export, IReadOnlyList<string> segments, int most) : IRejectionSink
{
    /// <summary>Contacts whose keys are kept, for whoever loses to them: a preview has no spool to look them up in.</summary>
    private const int KeysRemembered = 100_000;

    private readonly SortedDictionary<string, long> _reasons = new(StringComparer.Ordinal);
    private readonly List<(RejectionRecord Record, ProfilePlace Profile, ProfilePlace Winner)> _found = [];
    private readonly Dictionary<uint, string> _keys = [];

    public IReadOnlyDictionary<string, long> Reasons => _reasons;

    /// <summary>Known once it is settled. A list by its type too: PowerShell indexes those.</summary>
    public List<Rejection> Kept { get; private set; } = [];

    public long Total => _reasons.Values.Sum();

    public void Add(RejectionKind kind, long row, int segment, ReadOnlySpan<byte> key, string? field, string reason)
    {
        _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        if (_found.Count < most) _found.Add((new RejectionRecord(kind, row, segments[segment], Text(key), field, reason, 1, null), new ProfilePlace(segment, row), default));
    }

    public void AddDuplicate(ProfilePlace profile, ReadOnlySpan<byte> key, ProfilePlace winner)
    {
        _reasons[Mapping.Reasons.Duplicate] = _reasons.GetValueOrDefault(Mapping.Reasons.Duplicate) + 1;
        if (_found.Count < most) _found.Add((Duplicate(profile, Text(key)), profile, winner));
    }

    public void AddUnchanged(uint number, ProfilePlace profile, ReadOnlySpan<byte> key) => Remember(number, key);

    /// <summary>A contact that would be sent, as far as is known yet.</summary>
    public void Remember(uint number, ReadOnlySpan<byte> key)
    {
        if (most > 0 && !key.IsEmpty && _keys.Count < KeysRemembered) _keys[number] = Encoding.UTF8.GetString(key);
    }

    /// <summary>All is read: what was found stands as it does in the end, and profiles that a newer one has beaten follow.</summary>
    public void Settle(Duplicates duplicates)
    {
        foreach (((RejectionKind _, string reason), long said) in duplicates.SaidOfBeaten)
        {
            _reasons[reason] -= said;
            if (_reasons[reason] == 0) _reasons.Remove(reason);
        }
        if (duplicates.Beaten > 0) _reasons[Mapping.Reasons.Duplicate] = _reasons.GetValueOrDefault(Mapping.Reasons.Duplicate) + duplicates.Beaten;
        foreach ((RejectionRecord r, ProfilePlace profile, _) in _found)
        {
            if (r.Kind == RejectionKind.Suppressed && r.Key is { } key) _keys[duplicates.NumberOf(profile)] = key;
        }
        _found.RemoveAll(f => f.Record.Kind is RejectionKind.Noted or RejectionKind.Suppressed && duplicates.IsBeaten(duplicates.NumberOf(f.Profile)));
        foreach (uint loser in duplicates.Losers().Take(most - _found.Count))
        {
            ProfilePlace place = duplicates.PlaceOf(loser);
            _found.Add((Duplicate(place, _keys.GetValueOrDefault(loser)), place, place));
        }
        Kept = [.. _found.Select(f => RunViews.Of(0, export, f.Winner.Row == 0 ? f.Record : Named(f.Record, duplicates.WinnerOf(duplicates.NumberOf(f.Winner)), duplicates)))];
    }

    private RejectionRecord Duplicate(ProfilePlace profile, string? key)
        => new(RejectionKind.Duplicate, profile.Row, segments[profile.Segment], key, StandardFields.Email, Mapping.Reasons.Duplicate, 1, null);

    private RejectionRecord Named(RejectionRecord loser, uint winner, Duplicates duplicates)
    {
        ProfilePlace place = duplicates.PlaceOf(winner);
        return loser with { WinnerRow = place.Row, WinnerSegment = segments[place.Segment], WinnerKey = _keys.GetValueOrDefault(winner) };
    }

    private static string? Text(ReadOnlySpan<byte> key) => key.IsEmpty ? null : Encoding.UTF8.GetString(key);
}
