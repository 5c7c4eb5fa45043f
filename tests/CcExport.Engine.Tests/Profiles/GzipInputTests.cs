using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

public sealed class GzipInputTests
{
    private static readonly string Text = string.Concat(Enumerable.Range(0, 2000).Select(i => $"user{i * 7919 % 104729}@contoso.example,Name{i}\n"));

    private static async Task<string> ReadAsync(byte[] bytes, int most = int.MaxValue)
        => Encoding.UTF8.GetString(await Readers.AllAsync(new GzipInput(new SlowStream(bytes, most), "a.csv.gz")));

    [Fact]
    public async Task Whole_members_are_read_one_after_the_other()
    {
        Assert.Equal(Text, await ReadAsync(Readers.Gzip(Text)));
        byte[] three = [.. Readers.Gzip(Text), .. Readers.Gzip(""), .. Readers.Gzip("the end\n")];
        Assert.Equal(Text + "the end\n", await ReadAsync(three));
        Assert.Equal(Text + "the end\n", await ReadAsync(three, most: 1));
        Assert.Equal("", await ReadAsync(Readers.Gzip("")));
    }

    [Fact]
    public async Task A_cut_at_any_place_is_noticed()
    {
        byte[] whole = Readers.Gzip(Text[..300]);
        for (int length = 3; length < whole.Length; length++)
            Readers.Is("InputGzipBroken", await Assert.ThrowsAsync<CcException>(() => ReadAsync(whole[..length])));
        byte[] two = [.. whole, .. whole];
        for (int length = whole.Length + 1; length < two.Length; length++)
            Readers.Is("InputGzipBroken", await Assert.ThrowsAsync<CcException>(() => ReadAsync(two[..length])));
    }

    [Fact]
    public async Task A_flipped_bit_is_noticed()
    {
        byte[] whole = Readers.Gzip(Text);
        // Behind the header, of which a bit may mean nothing.
        for (int at = 10; at < whole.Length; at += 97)
        {
            byte[] bad = [.. whole];
            bad[at] ^= 0x10;
            Readers.Is("InputGzipBroken", await Assert.ThrowsAsync<CcException>(() => ReadAsync(bad)));
        }
    }

    [Fact]
    public async Task What_stands_behind_the_end_is_noticed()
        => Readers.Is("InputGzipBroken", await Assert.ThrowsAsync<CcException>(() => ReadAsync([.. Readers.Gzip(Text), .. "junk"u8.ToArray()])));

    [Fact]
    public async Task Gzip_is_told_by_its_bytes_and_not_by_its_name()
    {
        using var folder = new TempFolder();
        Assert.Equal(Text, await Readers.TextAsync(folder.Write("plain.csv", Readers.Gzip(Text))));
        Assert.Equal(Text, await Readers.TextAsync(folder.Write("named.csv.gz", Text)));
        byte[] whole = Readers.Gzip(Text);
        CcException e = await Readers.FailsAsync("InputGzipBroken", folder.Write("cut.csv", whole[..^4]));
        Assert.Contains("cut.csv", e.Message, StringComparison.Ordinal);
    }
}
