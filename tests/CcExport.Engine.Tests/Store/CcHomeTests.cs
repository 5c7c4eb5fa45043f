using CcExport.Engine.Store;
using CcExport.Engine.Store.Sqlite;

namespace CcExport.Engine.Tests.Store;

public sealed class CcHomeTests : IDisposable
{
    private readonly TempHome temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void The_variable_decides_else_the_users_local_data()
    {
        Assert.Equal(temp.Home.Root, CcHome.Resolve(name => name == "CCEXPORT_HOME" ? temp.Home.Root : null).Root);
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        foreach (string? unset in new[] { null, "", " " })
        {
            Assert.Equal(Path.Combine(local, "CcExport"), CcHome.Resolve(_ => unset).Root);
        }
    }

    [Fact]
    public void A_relative_home_is_pinned_when_it_is_resolved() =>
        Assert.Equal(Path.Combine(Environment.CurrentDirectory, "x"), CcHome.Resolve(_ => "x").Root);

    [Fact]
    public async Task A_home_that_cannot_be_written_names_the_variable()
    {
        temp.Home.EnsureCreated();
        File.WriteAllText(temp.File("file"), "");
        var below = new CcHome(temp.File("file/home"));
        CcException e = await Assert.ThrowsAsync<CcException>(() => SqliteStore.OpenAsync(below, TimeProvider.System, CancellationToken.None));
        Assert.Equal(("HomeNotWritable", CcErrorKind.Storage), (e.ErrorId, e.Kind));
        Assert.Contains("CCEXPORT_HOME", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Folders_that_lie_open_are_closed_but_the_home_itself_is_left()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        const UnixFileMode Open = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(temp.Home.Root, Open);
        Directory.CreateDirectory(temp.Home.KeyRingFolder, Open);
        temp.Home.EnsureCreated();
        temp.Home.EnsureCreated();
        Assert.Equal(Open, File.GetUnixFileMode(temp.Home.Root));
        Assert.Equal(Open & ~(UnixFileMode.OtherRead | UnixFileMode.OtherExecute), File.GetUnixFileMode(temp.Home.KeyRingFolder));
        Assert.Empty(Directory.GetFiles(temp.Home.Root));
    }

    [Fact]
    public void A_folder_that_is_not_there_cannot_be_flushed()
    {
        temp.Home.EnsureCreated();
        Durable.FlushDirectory(temp.Home.Root);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<IOException>(() => Durable.FlushDirectory(temp.File("none")));
        }
    }
}
