using CcExport.Engine.Exports;

namespace CcExport.Engine.Tests.Exports;

public sealed class SuppressionFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"ccexport-{Guid.NewGuid():n}.csv");

    public void Dispose() => File.Delete(_path);

    // Passed over, she would be sent.
    [Fact]
    public async Task A_row_in_which_nobody_knows_where_the_address_is_is_an_error_with_its_number()
    {
        await File.WriteAllTextAsync(_path, "email,name\njo@example.com,Jo\njane@example.com,Doe, Jane\n");
        CcException e = await Assert.ThrowsAsync<CcException>(() => SuppressionFiles.ReadAsync([_path], _ => { }, default));
        Assert.Equal(("SuppressionUnreadable", CcErrorKind.InvalidData), (e.ErrorId, e.Kind));
        Assert.DoesNotContain("jane", e.Message + e.Remedy, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Row 2", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_is_no_address_is_counted()
    {
        await File.WriteAllTextAsync(_path, "email,name\njo@example.com,Jo\n,Nobody\nbroken,X\n");
        int taken = 0;
        Assert.Equal(2, await SuppressionFiles.ReadAsync([_path], _ => taken++, default));
        Assert.Equal(1, taken);
    }

    // Its addresses would be passed over, and sent.
    [Fact]
    public async Task A_file_of_a_folder_that_calls_the_address_something_else_is_an_error()
    {
        string folder = Directory.CreateTempSubdirectory("ccexport-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "optout"));
            await File.WriteAllTextAsync(Path.Combine(folder, "optout", "1.jsonl"), "{\"email\":\"jo@example.com\"}\n");
            await File.WriteAllTextAsync(Path.Combine(folder, "optout", "2.jsonl"), "{\"email_address\":\"jane@example.com\"}\n");
            CcException e = await Assert.ThrowsAsync<CcException>(() => SuppressionFiles.ReadAsync([folder], _ => { }, default));
            Assert.Equal("SuppressionUnreadable", e.ErrorId);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
