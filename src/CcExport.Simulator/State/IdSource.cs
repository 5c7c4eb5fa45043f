using System.Buffers.Binary;
using System.Buffers.Text;

namespace CcExport.Simulator.State;

/// <summary>Every id and secret comes from one seeded source, so that two runs can be compared line by line.</summary>
internal sealed class IdSource(int seed)
{
    private readonly Random _random = new(seed);
    private readonly ulong _contactPrefix = Mix((ulong)(uint)seed + 0x1D);

    public string Guid()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.NextBytes(bytes);
        return Shape(bytes).ToString();
    }

    public string Secret(int bytes)
    {
        var buffer = new byte[bytes];
        _random.NextBytes(buffer);
        return Base64Url.EncodeToString(buffer);
    }

    /// <summary>Eight letters without those that are read wrongly, as device pages use them.</summary>
    public string UserCode()
    {
        const string letters = "BCDFGHJKLMNPQRSTVWXZ";
        Span<char> code = stackalloc char[9];
        for (int i = 0; i < code.Length; i++) code[i] = i == 4 ? '-' : letters[_random.Next(letters.Length)];
        return new string(code);
    }

    /// <summary>The id of a contact is computed from its place, so that a million of them need no memory.</summary>
    public Guid ContactId(int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _contactPrefix);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _contactPrefix);
        BinaryPrimitives.WriteInt32BigEndian(bytes[12..], index);
        return Shape(bytes);
    }

    public bool TryContactIndex(string id, out int index)
    {
        index = -1;
        if (!System.Guid.TryParseExact(id, "D", out Guid guid)) return false;
        Span<byte> bytes = stackalloc byte[16];
        guid.TryWriteBytes(bytes, bigEndian: true, out _);
        index = BinaryPrimitives.ReadInt32BigEndian(bytes[12..]);
        return index >= 0 && ContactId(index) == guid;
    }

    private static Guid Shape(Span<byte> bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x10);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
