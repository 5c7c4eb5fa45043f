using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace CcExport.Engine.Mapping;

/// <summary>The little that is done to a value: trimming, measuring, cutting. All on UTF-8, which is known to be valid.</summary>
internal static class Utf8Text
{
    /// <summary>Without white space (Unicode's) at both ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        // Nearly every value begins and ends with a visible ASCII character.
        if (text.IsEmpty || (IsVisible(text[0]) && IsVisible(text[^1]))) return text;
        return TrimSlow(text);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsVisible(byte b) => b is > 0x20 and < 0x7F;

    private static ReadOnlySpan<byte> TrimSlow(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && Rune.DecodeFromUtf8(text, out Rune rune, out int length) == System.Buffers.OperationStatus.Done && Rune.IsWhiteSpace(rune))
            text = text[length..];
        while (!text.IsEmpty && Rune.DecodeLastFromUtf8(text, out Rune rune, out int length) == System.Buffers.OperationStatus.Done && Rune.IsWhiteSpace(rune))
            text = text[..^length];
        return text;
    }

    /// <summary>Whether it has at most so many UTF-16 units; no value has more units than bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Fits(ReadOnlySpan<byte> text, int units) => text.Length <= units || Encoding.UTF8.GetCharCount(text) <= units;

    /// <summary>
    /// As many whole graphemes from its front as fit so many UTF-16 units: what a reader sees as one character (an emoji of
    /// several code points, a letter with its accent) is never halved.
    /// </summary>
    public static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int units)
    {
        string whole = Encoding.UTF8.GetString(text);
        int end = 0;
        while (end < whole.Length)
        {
            int next = end + StringInfo.GetNextTextElementLength(whole, end);
            if (next > units) break;
            end = next;
        }
        // A single grapheme longer than the field (a joined sequence without end): whole code points then.
        if (end == 0) end = char.IsHighSurrogate(whole[units - 1]) ? units - 1 : units;
        return Trim(text[..Encoding.UTF8.GetByteCount(whole.AsSpan(0, end))]);
    }
}
