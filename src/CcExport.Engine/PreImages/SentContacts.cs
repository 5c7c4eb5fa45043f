using CcExport.Engine.Fingerprints;

namespace CcExport.Engine.PreImages;

/// <summary>The contacts of a run, numbered as they were sent, and found by the hash of their address. Some 50 bytes each and their keys.</summary>
internal sealed class SentContacts : IDisposable
{
    private readonly List<(int Start, int Length)> _keys = [];
    private readonly List<Fingerprint> _entries = [];
    private readonly MemoryStream _keyBytes = new();
    private readonly List<ulong> _fields = [], _values = [];
    private readonly List<(long Row, ushort Segment)> _origins = [];
    private FingerprintTable? _table;

    public int Count => _fields.Count;

    public void Add(in SentRecord record)
    {
        _entries.Add(new Fingerprint(record.Address, (ulong)Count));
        _fields.Add(record.Fields);
        _values.Add(record.Values);
        _origins.Add((record.Row, record.Segment));
        _keys.Add(((int)_keyBytes.Length, record.Key.Length));
        _keyBytes.Write(record.Key);
    }

    /// <summary>All are there: from now on they are found.</summary>
    public void Complete()
    {
        _entries.Sort();
        _table = new FingerprintTable(_entries.Count, to =>
        {
            for (int i = 0; i < to.Length; i++) to[i] = _entries[i];
        });
        _entries.Clear();
        _entries.TrimExcess();
    }

    /// <summary>Its number; -1: it is none of the run's.</summary>
    public int Find(UInt128 address) => _table!.Find(address) is >= 0 and var found ? (int)_table.All[found].Value : -1;

    /// <summary>Each contact's address hash and number.</summary>
    public IEnumerable<(UInt128 Address, int At)> All()
    {
        for (int i = 0; i < _table!.Count; i++) yield return (_table.All[i].Address, (int)_table.All[i].Value);
    }

    public ulong Fields(int at) => _fields[at];

    public ulong Values(int at) => _values[at];

    public long Row(int at) => _origins[at].Row;

    public int Segment(int at) => _origins[at].Segment;

    public ReadOnlySpan<byte> Key(int at) => _keyBytes.GetBuffer().AsSpan(_keys[at].Start, _keys[at].Length);

    public void Dispose()
    {
        _table?.Dispose();
        _keyBytes.Dispose();
    }
}
