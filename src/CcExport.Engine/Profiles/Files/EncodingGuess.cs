namespace CcExport.Engine.Profiles;

/// <summary>What bytes that are no UTF-8 probably are: good enough for advice, never acted on.</summary>
internal enum EncodingGuess
{
    Unknown,
    Windows1252,
    Utf16,
    Utf16Big,
}

internal static class EncodingGuesses
{
    private const int Sample = 4096;

    /// <param name="block">Bytes around the wrong one.</param>
    /// <param name="at">Where the wrong byte is in the block.</param>
    /// <param name="offset">The wrong byte's place in the file: UTF-16 goes by even and odd.</param>
    public static EncodingGuess At(ReadOnlySpan<byte> block, int at, long offset)
    {
        int start = Math.Max(0, at - (Sample / 2));
        ReadOnlySpan<byte> sample = block.Slice(start, Math.Min(Sample, block.Length - start));
        return Utf16(sample, offset - at + start) is var wide and not EncodingGuess.Unknown ? wide
            : IsWindows1252(sample) ? EncodingGuess.Windows1252
            : EncodingGuess.Unknown;
    }

    /// <summary>Western text in UTF-16 has a NUL in nearly each second byte, and line ends and delimiters have one in any text.</summary>
    private static EncodingGuess Utf16(ReadOnlySpan<byte> sample, long offset)
    {
        int even = 0, odd = 0;
        for (int i = 0; i < sample.Length; i++)
        {
            if (sample[i] != 0) continue;
            if (((offset + i) & 1) == 0) even++;
            else odd++;
        }
        int enough = Math.Max(1, sample.Length / 20);
        return odd >= enough && odd > 10 * even ? EncodingGuess.Utf16
            : even >= enough && even > 10 * odd ? EncodingGuess.Utf16Big
            : EncodingGuess.Unknown;
    }

    /// <summary>
    /// Its letters above ASCII stand alone or in twos between ASCII ones ("Müller"), and five bytes mean nothing in it. Cyrillic,
    /// Greek or Japanese in their own old encodings come in longer runs.
    /// </summary>
    private static bool IsWindows1252(ReadOnlySpan<byte> sample)
    {
        int run = 0, high = 0, inLongRuns = 0;
        foreach (byte b in sample)
        {
            if (b is 0x81 or 0x8D or 0x8F or 0x90 or 0x9D or 0) return false;
            if (b < 0x80)
            {
                run = 0;
                continue;
            }
            high++;
            if (++run == 3) inLongRuns += 3;
            else if (run > 3) inLongRuns++;
        }
        return high > 0 && inLongRuns * 4 <= high;
    }
}
