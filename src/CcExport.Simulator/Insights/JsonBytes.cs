using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CcExport.Simulator.Insights;

/// <summary>JSON as bytes, written with as little work as possible: pages of millions of rows are made of it.</summary>
internal sealed class JsonBytes : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(256 * 1024);

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - Length < bytes.Length) Grow(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Number(long value)
    {
        if (_bytes.Length - Length < 20) Grow(20);
        Utf8Formatter.TryFormat(value, _bytes.AsSpan(Length), out int written);
        Length += written;
    }

    /// <summary>So many digits, zeros in front.</summary>
    public void Digits(int value, int count)
    {
        Span<byte> digits = stackalloc byte[count];
        for (int i = count - 1; i >= 0; i--, value /= 10) digits[i] = (byte)('0' + (value % 10));
        Raw(digits);
    }

    public void Hex(ulong value)
    {
        Span<byte> digits = stackalloc byte[16];
        for (int i = 15; i >= 0; i--, value >>= 4) digits[i] = "0123456789abcdef"u8[(int)(value & 15)];
        Raw(digits);
    }

    /// <summary>With its quotes; null as null.</summary>
    public void Text(string? text)
    {
        if (text is null) Raw("null"u8);
        else Raw(Quoted(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping));
    }

    public static byte[] Quoted(string text, JavaScriptEncoder encoder) => [(byte)'"', .. JsonEncodedText.Encode(text, encoder).EncodedUtf8Bytes, (byte)'"'];

    public void Back(int bytes) => Length -= bytes;

    private void Grow(int more)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, Length + more));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
