using System.Text;
using CcExport.Engine.Profiles;

namespace CcExport.Engine.Tests.Profiles;

public sealed class InputFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_missing_file_says_where_it_was_looked_for()
    {
        CcException e = await Readers.FailsAsync("InputNotFound", _folder["no/such.csv"]);
        Assert.Equal(CcErrorKind.NotFound, e.Kind);
        e = await Readers.FailsAsync("InputNotFound", "no-such-file.csv");
        Assert.Contains(Environment.CurrentDirectory, e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_cannot_be_one_is_no_stack_trace()
    {
        await Readers.FailsAsync("InputNotFound", "a\0b.csv");
        await Readers.FailsAsync("InputNotFound", "");
    }

    [Fact]
    public async Task A_directory_is_no_file() => await Readers.FailsAsync("InputIsDirectory", _folder.Path);

    [Fact]
    public async Task An_empty_file_fails()
    {
        CcException e = await Readers.FailsAsync("InputEmpty", _folder.Write("e.csv", ""));
        Assert.Contains("e.csv", e.Message, StringComparison.Ordinal);
        await Readers.FailsAsync("InputEmpty", _folder.Write("bom.csv", [0xEF, 0xBB, 0xBF]));
        await Readers.FailsAsync("InputEmpty", _folder.Write("e.csv.gz", Readers.Gzip("")));
        Assert.Empty(await Readers.AllAsync(await InputFile.OpenAsync(DiskTree.Instance, _folder["e.csv"], null, allowEmpty: true, default)));
        Assert.Empty(await Readers.AllAsync(await InputFile.OpenAsync(DiskTree.Instance, _folder["e.csv.gz"], null, allowEmpty: true, default)));
    }

    [Fact]
    public async Task A_symbolic_link_is_followed_and_a_loop_is_told()
    {
        _folder.Write("real.csv", "EMail\n");
        File.CreateSymbolicLink(_folder["link.csv"], _folder["real.csv"]);
        Assert.Equal("EMail\n", await Readers.TextAsync(_folder["link.csv"]));
        File.CreateSymbolicLink(_folder["one.csv"], _folder["two.csv"]);
        File.CreateSymbolicLink(_folder["two.csv"], _folder["one.csv"]);
        await Readers.FailsAsync("InputLinkLoop", _folder["one.csv"]);
        File.CreateSymbolicLink(_folder["broken.csv"], _folder["gone.csv"]);
        CcException e = await Readers.FailsAsync("InputNotFound", _folder["broken.csv"]);
        Assert.Contains("gone.csv", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_locked_file_is_told()
    {
        string path = _folder.Write("locked.csv", "EMail\n");
        await using var other = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        CcException e = await Readers.FailsAsync("InputLocked", path);
        Assert.Equal(CcErrorKind.Conflict, e.Kind);
    }

    [Fact]
    public void What_the_system_refuses_has_an_id_of_its_own()
    {
        Assert.Equal("InputAccessDenied", InputErrors.Opening("x", new UnauthorizedAccessException()).ErrorId);
        Assert.Equal("InputLocked", InputErrors.Opening("x", new IOException("", unchecked((int)0x80070020))).ErrorId);
        Assert.Equal("InputNotFound", InputErrors.Opening("x", new DirectoryNotFoundException()).ErrorId);
        Assert.Equal("InputUnreadable", InputErrors.Opening("x", new IOException("The network is gone.")).ErrorId);
    }

    [Fact]
    public async Task A_file_that_vanishes_while_it_is_read_fails()
    {
        string path = _folder.Write("v.csv", new string('x', 100_000));
        Stream stream = await InputFile.OpenAsync(path, null, default);
        Assert.Equal(1000, await stream.ReadAtLeastAsync(new byte[1000], 1000));
        using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) other.SetLength(0);
        CcException e = Readers.Is("InputUnreadable", await Assert.ThrowsAsync<CcException>(() => Readers.AllAsync(stream)));
        Assert.Contains("1000 of 100000 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_still_written_fails()
    {
        string path = _folder.Write("w.csv", "EMail\n");
        Stream stream = await InputFile.OpenAsync(path, null, default);
        await File.AppendAllTextAsync(path, "a@b.example\n");
        Readers.Is("InputChanged", await Assert.ThrowsAsync<CcException>(() => Readers.AllAsync(stream)));
    }

    [Fact]
    public async Task A_file_that_is_written_over_at_the_same_length_fails()
    {
        string path = _folder.Write("o.csv", new string('x', 100_000));
        Stream stream = await InputFile.OpenAsync(path, null, default);
        Assert.Equal(1000, await stream.ReadAtLeastAsync(new byte[1000], 1000));
        await File.WriteAllTextAsync(path, new string('y', 100_000));
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(1));
        CcException e = Readers.Is("InputChanged", await Assert.ThrowsAsync<CcException>(() => Readers.AllAsync(stream)));
        Assert.Contains("o.csv", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_or_a_pipe_is_not_opened()
    {
        if (OperatingSystem.IsWindows()) return;
        await Readers.FailsAsync("InputEmpty", "/dev/zero");
        await Readers.FailsAsync("InputEmpty", "/dev/null");
    }

    [Fact]
    public async Task Files_of_other_kinds_are_named()
    {
        CcException e = await Readers.FailsAsync("InputNotText", _folder.Write("book.csv", "PK\u0003\u0004rest"));
        Assert.Contains("Excel", e.Message, StringComparison.Ordinal);
        await Readers.FailsAsync("InputNotText", _folder.Write("p.csv", "PAR1rest"));
    }

    [Fact]
    public async Task NUL_bytes_fail_with_their_place()
    {
        CcException e = await Readers.FailsAsync("InputNulByte", _folder.Write("n.csv", "EMail\na@b.exam\0ple\n"));
        Assert.Contains("line 2, byte offset 14", e.Message, StringComparison.Ordinal);
        Assert.Contains("utf-16", e.Remedy, StringComparison.Ordinal);
        await Readers.FailsAsync("InputNulByte", _folder.Write("n1252.csv", "a\0b"), "windows-1252");
    }

    [Theory]
    [InlineData("windows-1252", "Größe;€;Žižek\r\n")]
    [InlineData("1252", "Größe;€;Žižek\r\n")]
    [InlineData("utf-16", "Größe;日本;😀\n")]
    [InlineData("utf-16BE", "Größe;日本;😀\n")]
    [InlineData("utf-32", "Größe;日本;😀\n")]
    [InlineData("shift_jis", "名前;東京\n")]
    [InlineData("gb18030", "姓名;北京😀\n")]
    [InlineData("iso-8859-1", "Größe\n")]
    [InlineData("utf8", "Größe;日本;😀\n")]
    public async Task A_named_encoding_is_read(string encoding, string text)
    {
        // Long enough that blocks cut characters.
        string much = "x" + string.Concat(Enumerable.Repeat(text, 20_000));
        byte[] bytes = EncodingNames.Parse(encoding).GetBytes(much);
        Assert.Equal(much, await Readers.TextAsync(_folder.Write("f", bytes), encoding));
        Assert.Equal(much, await Readers.TextAsync(_folder.Write("f.gz", Readers.Gzip(bytes)), encoding));
    }

    [Theory]
    [InlineData("utf-8", "EFBBBF")]
    [InlineData("utf-16", "FFFE")]
    [InlineData("utf-16BE", "FEFF")]
    [InlineData("utf-32", "FFFE0000")]
    [InlineData("utf-32BE", "0000FEFF")]
    public async Task A_byte_order_mark_decides_and_is_left_out(string encoding, string mark)
    {
        byte[] bytes = [.. Convert.FromHexString(mark), .. EncodingNames.Parse(encoding).GetBytes("é,😀\n")];
        string path = _folder.Write("f.csv", bytes);
        Assert.Equal("é,😀\n", await Readers.TextAsync(path));
        Assert.Equal("é,😀\n", await Readers.TextAsync(path, encoding));
        Assert.Equal("é,😀\n", await Readers.TextAsync(_folder.Write("g.csv", Readers.Gzip(bytes))));
        CcException e = await Readers.FailsAsync("EncodingContradictsBom", path, "windows-1252");
        Assert.Equal(CcErrorKind.InvalidArgument, e.Kind);
    }

    [Fact]
    public async Task Bytes_that_the_named_encoding_does_not_know_fail_with_their_place()
    {
        CcException e = await Readers.FailsAsync("InputNotDecodable", _folder.Write("f.csv", "a\nbcé"), "ascii");
        Assert.Contains("us-ascii: line 2, byte offset 4", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_byte_far_in_a_transcoded_file_has_its_place()
    {
        byte[] good = EncodingNames.Parse("shift_jis").GetBytes(string.Concat(Enumerable.Repeat("名前,東京\n", 20_000)));
        byte[] bytes = [.. good, (byte)'x', 0x81, 0x20, (byte)'y'];
        CcException e = await Readers.FailsAsync("InputNotDecodable", _folder.Write("f.csv", bytes), "shift_jis");
        Assert.Contains($"line 20001, byte offset {good.Length + 1}", e.Message, StringComparison.Ordinal);
        // Half a UTF-16 unit at the end of the file.
        await Readers.FailsAsync("InputNotDecodable", _folder.Write("h.csv", [0xFF, 0xFE, (byte)'a', 0, (byte)'b']));
    }

    [Fact]
    public async Task Wrong_bytes_in_gzip_have_their_place_in_the_text()
    {
        CcException e = await Readers.FailsAsync("InputNotUtf8", _folder.Write("f.gz", Readers.Gzip(Encoding.Latin1.GetBytes("a\nMüller"))));
        Assert.Contains("line 2, byte offset 3 of the decompressed text", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("utf8", "utf-8")]
    [InlineData("UTF-8", "utf-8")]
    [InlineData("utf8BOM", "utf-8")]
    [InlineData("utf8NoBOM", "utf-8")]
    [InlineData("65001", "utf-8")]
    [InlineData("unicode", "utf-16")]
    [InlineData("bigendianunicode", "utf-16BE")]
    [InlineData("utf32", "utf-32")]
    [InlineData("ascii", "us-ascii")]
    [InlineData("windows-1252", "windows-1252")]
    [InlineData("1252", "windows-1252")]
    [InlineData("cp1252", "windows-1252")]
    [InlineData("Windows1250", "windows-1250")]
    [InlineData("iso-8859-15", "iso-8859-15")]
    [InlineData("latin1", "iso-8859-1")]
    [InlineData("Shift_JIS", "shift_jis")]
    [InlineData(" 437 ", "ibm437")]
    public void Encodings_are_known_by_many_names(string name, string web)
        => Assert.Equal(web, EncodingNames.Parse(name).WebName, ignoreCase: true);

    [Fact]
    public void Encodings_of_the_culture_are_known()
    {
        Assert.NotNull(EncodingNames.Parse("ansi"));
        Assert.NotNull(EncodingNames.Parse("oem"));
    }

    [Theory]
    [InlineData("klingon")]
    [InlineData("utf7")]
    [InlineData("65000")]
    [InlineData("")]
    [InlineData("99999")]
    [InlineData("-1")]
    public void An_unknown_encoding_names_some_that_work(string name)
    {
        CcException e = Readers.Is("EncodingUnknown", Assert.Throws<CcException>(() => EncodingNames.Parse(name)));
        Assert.Contains("windows-1252", e.Remedy, StringComparison.Ordinal);
    }
}
