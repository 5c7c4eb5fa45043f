using System.Collections;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>
/// The rules that hold a contact out of a run, in their order: a suppression, an unsubscription from the account, a list that was left; and in the modes Changed
/// and Mirror, that nothing has changed. Notes whom of the remembered contacts the segments still hold.
/// </summary>
internal sealed class HoldOuts(ExportDefinition definition, ListMemory memory, ListState state, Func<UInt128, string?>? suppressed = null) : IContactGate, IDisposable
{
    private readonly bool _onlyChanged = definition is { Mode: not ExportMode.Upsert, Full: false };
    private readonly BitArray _seen = new(memory.Own.Count);

    // Whom the run takes off the list although others put her there, only the addresses of all its profiles tell.
    private readonly DuplicateIndex? _addresses = definition is { Mode: ExportMode.Mirror, TakeOwnership: true } ? new DuplicateIndex() : null;

    /// <summary>Whom this export remembers.</summary>
    public FingerprintTable Remembered => memory.Own;

    /// <summary>The segments of this run hold the remembered contact.</summary>
    public bool Saw(int at) => _seen[at];

    /// <summary>Profiles held out because their people left the list.</summary>
    public long Left { get; private set; }

    /// <summary>
    /// So many have left that somebody may have emptied the list by mistake; null when that is not so. They are held out all the same: it is for a person to say.
    /// </summary>
    public string? Exodus => Left < Many || Left * 10 < memory.Own.Count ? null : FormattableString.Invariant(
        $"{Left:N0} of the {memory.Own.Count:N0} contacts that this export remembers have left the list, and are held out. If somebody emptied the list by mistake, -IncludeLeavers puts them back.");

    private const int Many = 100;

    /// <summary>Some profile has a usable address: the segments are not empty, and the map does not name the wrong column.</summary>
    public bool SawAny { get; private set; }

    /// <summary>In mode Mirror, once all is read: this member of the list leaves it. No profile has her, no other export put her there, and this one did, or takes all.</summary>
    public bool Leaves(UInt128 address)
    {
        if (memory.IsOthers(address)) return false;
        const Marks ours = Marks.Owned | Marks.Confirmed | Marks.Present;
        int at = memory.Own.Find(address);
        if (at >= 0 && _seen[at]) return false;
        return _addresses is { } all ? !all.Contains(address) : at >= 0 && (memory.Own.All[at].Marks & ours) == ours;
    }

    public void Dispose() => _addresses?.Dispose();

    public string? HoldOut(UInt128 address)
    {
        SawAny = true;
        _addresses?.Add(address);
        int at = memory.Own.Find(address);
        if (at >= 0) _seen[at] = true;
        if (suppressed?.Invoke(address) is { } reason) return reason;
        if (state.Unsubscribed?.Contains(address) == true) return Reasons.Unsubscribed;
        if (definition.IncludeLeavers || !memory.HasLeft(address)) return null;
        Left++;
        return Reasons.LeftList;
    }

    public bool IsUnchanged(UInt128 address, ulong content)
        => _onlyChanged && memory.Own.Find(address) is >= 0 and var at && memory.Own.All[at] is var known
            && (known.Marks & (Marks.Confirmed | Marks.Present)) == (Marks.Confirmed | Marks.Present) && known.IsOf(content);

    public Standing StandingOf(UInt128 address)
    {
        if (IsPresent(memory.Own, address)) return Standing.Remembered;
        if (state.Others is { } others) return others.Contains(address) ? Standing.NotKnown : Standing.New;
        foreach (FingerprintTable other in memory.Others)
        {
            if (IsPresent(other, address)) return Standing.Remembered;
        }
        return Standing.NotKnown;
    }

    private static bool IsPresent(FingerprintTable table, UInt128 address)
        => table.Find(address) is >= 0 and var at && (table.All[at].Marks & Marks.Present) != 0;
}
