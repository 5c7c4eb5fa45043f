using System.IO.Hashing;
using System.Text;
using CcExport.Engine.Fingerprints;
using CcExport.Engine.Mapping;

namespace CcExport.Engine.Exports;

/// <summary>Told by a run's reading of everybody who has an address and is not sent.</summary>
internal interface ITraceSink
{
    void Add(UInt128 address, ulong content, long row, int segment, TraceFate fate, string? reason);
}

/// <summary>Writes that into the run's trace.</summary>
internal sealed class TraceSink(EngineParts parts, long run) : ITraceSink, IDisposable
{
    private readonly TraceWriter _writer = new(parts.Home, run, TracePart.Held, key => parts.Secrets.Protect(TraceKeeper.KeyPurpose, key));
    private readonly ReasonCodes _codes = new();

    public void Add(UInt128 address, ulong content, long row, int segment, TraceFate fate, string? reason)
        => _writer.Add(new TraceRecord(address, content, (uint)Math.Min(row, uint.MaxValue), (ushort)segment, fate, 0, _codes.Of(reason)));

    /// <summary>All is read: what was written is on the disk when this returns.</summary>
    public void Complete() => _writer.Complete();

    public void Dispose() => _writer.Dispose();
}

/// <summary>Reason ids as four bytes and back, without a list of numbers that would have to stay the same for ever.</summary>
internal sealed class ReasonCodes
{
    private readonly Dictionary<string, uint> _known = new(StringComparer.Ordinal);
    private string? _last;
    private uint _lastCode;

    public uint Of(string? reason)
    {
        if (reason is null) return 0;
        if (ReferenceEquals(reason, _last)) return _lastCode;
        if (!_known.TryGetValue(reason, out uint code)) _known.Add(reason, code = Hash(reason));
        (_last, _lastCode) = (reason, code);
        return code;
    }

    /// <summary>Null: none, or one that this version does not know.</summary>
    public static string? From(uint code) => code == 0 ? null : Reasons.All.FirstOrDefault(r => Hash(r) == code);

    private static uint Hash(string reason) => XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(reason));
}
