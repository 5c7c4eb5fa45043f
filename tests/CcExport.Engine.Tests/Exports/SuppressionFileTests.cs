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
}
