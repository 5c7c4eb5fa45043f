using System.Globalization;
using System.Text;
using CcExport.Engine.Profiles;
using CsCheck;

namespace CcExport.Engine.Tests.Profiles;

public sealed class Utf8CheckStreamTests
{
    private static readonly Encoding Strict = new UTF8Encoding(false, throwOnInvalidBytes: true);

    private static Task<byte[]> ReadAsync(byte[] bytes, int block, string path = "list.csv")
        => Readers.AllAsync(new Utf8CheckStream(new MemoryStream(bytes), new InputPlace(path), block));

    /// <summary>The obvious way: the longest prefix that is valid as far as it goes.</summary>
    private static int FirstWrong(byte[] bytes)
    {
        int at = 0;
        while (at < bytes.Length && Rune.DecodeFromUtf8(bytes.AsSpan(at), out Rune rune, out int length) == System.Buffers.OperationStatus.Done
            && rune.Value != 0) at += length;
        return at;
    }

    public static TheoryData<string> WrongSequences => new([
        "80", "BF", "C0AF", "C1BF", "C3", "C328", "E2", "E282", "E28228", "E08080", "EDA080", "F0", "F09F", "F09F98", "F09F9828", "F4908080",
        "F5", "FF", "00"]);

    [Theory]
    [MemberData(nameof(WrongSequences))]
    public async Task A_wrong_sequence_is_found_at_its_place_however_blocks_cut_it(string hex)
    {
        byte[] before = Encoding.UTF8.GetBytes("a,é\nb,😀€\nß,"), wrong = Convert.FromHexString(hex);
        foreach (bool atEnd in new[] { true, false })
        {
            byte[] bytes = [.. before, .. wrong, .. atEnd ? [] : "x\ny"u8.ToArray()];
            for (int block = 1; block <= 8; block++)
            {
                CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync(bytes, block));
                Readers.Is(hex == "00" ? "InputNulByte" : "InputNotUtf8", e);
                Assert.Equal(CcErrorKind.InvalidData, e.Kind);
                Assert.Contains("'list.csv'", e.Message, StringComparison.Ordinal);
                Assert.Contains($"line 3, byte offset {before.Length}", e.Message, StringComparison.Ordinal);
                if (hex != "00") Assert.Contains($"byte 0x{hex[..2]}", e.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Valid_text_passes_unchanged_however_blocks_cut_it()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("E-Mail;Vorname\r\na@b.de;Jürgen\n😀;\uFFFD\u0080߿ࠀ\uFFFF\U00010000\U0010FFFF");
        for (int block = 1; block <= 8; block++) Assert.Equal(bytes, await ReadAsync(bytes, block));
    }

    [Fact]
    public void Any_bytes_are_judged_as_a_decoder_judges_them()
    {
        Gen<byte> bits = Gen.OneOf(Gen.Byte, Gen.Int[0, 11].Select(i => "a\né€😀\0"u8[i]));
        Gen.Select(bits.Array[0, 40], Gen.String[0, 40], Gen.Int[1, 9]).Sample((noise, text, block) =>
        {
            byte[] bytes = [.. Encoding.UTF8.GetBytes(text), .. noise];
            int wrong = FirstWrong(bytes);
            string expected = wrong == bytes.Length ? Convert.ToHexString(bytes)
                : $"{wrong}/{bytes.AsSpan(0, wrong).Count((byte)'\n') + 1}";
            string actual;
            try
            {
                actual = Convert.ToHexString(ReadAsync(bytes, block).GetAwaiter().GetResult());
            }
            catch (CcException e)
            {
                string[] words = e.Message.Replace(',', ' ').Replace(':', ' ').Replace('.', ' ').Split(' ', StringSplitOptions.RemoveEmptyEntries);
                actual = $"{words[Array.IndexOf(words, "offset") + 1]}/{words[Array.IndexOf(words, "line") + 1]}";
            }
            Assert.Equal(expected, actual);
            if (wrong == bytes.Length) Strict.GetString(bytes);
        });
    }

    [Fact]
    public async Task Places_are_exact_beyond_the_first_chunks()
    {
        // Two bytes a character: with one byte before, each chunk's border cuts one.
        byte[] good = Encoding.UTF8.GetBytes("x" + string.Concat(Enumerable.Repeat("éééééééé\n", 100_000)));
        foreach (int wrongAt in new[] { 16 * 1024, (16 * 1024) + 1, 300_000, good.Length })
        {
            int start = wrongAt;
            while (start < good.Length && (good[start] & 0xC0) == 0x80) start--;
            byte[] bytes = [.. good[..start], 0xFF, .. good[start..]];
            CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync(bytes, 64 * 1024));
            int line = good.AsSpan(0, start).Count((byte)'\n') + 1;
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"line {line}, byte offset {start}"), e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("windows-1252", "Name;Ort\nJürgen Müßig;Köln\nRenée;Orléans\n", "-Encoding windows-1252")]
    [InlineData("windows-1252", "“quoted” – 5 €\n", "-Encoding windows-1252")]
    [InlineData("windows-1251", "Имя;Город\nАлександр;Москва\n", "-Encoding windows-1252 or -Encoding shift_jis")]
    [InlineData("utf-16", "EMail,Name\na@b.example,Anna\n", "-Encoding utf-16.")]
    [InlineData("utf-16BE", "EMail,Name\na@b.example,Anna\n", "-Encoding utf-16BE")]
    public async Task The_advice_names_the_probable_encoding(string encoding, string text, string advice)
    {
        CcException e = await Assert.ThrowsAsync<CcException>(() => ReadAsync(EncodingNames.Parse(encoding).GetBytes(text), 4096));
        Assert.Contains(advice, e.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain("Anna", e.Message + e.Remedy, StringComparison.Ordinal);
    }
}
