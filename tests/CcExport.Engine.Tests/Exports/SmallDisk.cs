using System.Diagnostics;

namespace CcExport.Engine.Tests.Exports;

/// <summary>A disk of a few megabytes (a tmpfs), which a test can fill, enlarge and make read-only. Only root can mount one.</summary>
internal sealed class SmallDisk : IDisposable
{
    public static bool Possible { get; } = OperatingSystem.IsLinux() && TryMount();

    public string Root { get; } = Directory.CreateTempSubdirectory("ccdisk-").FullName;

    public SmallDisk(int megabytes) => Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", Root);

    /// <summary>Leaves no room at all.</summary>
    public void Fill()
    {
        using FileStream file = File.Create(Path.Combine(Root, "filler"));
        byte[] block = new byte[4096];
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
        }
    }

    /// <summary>After <see cref="Fill"/>: some room again.</summary>
    public void Spare(int bytes)
    {
        using FileStream file = File.OpenWrite(Path.Combine(Root, "filler"));
        file.SetLength(file.Length - bytes);
    }

    public void Empty() => File.Delete(Path.Combine(Root, "filler"));

    public void Enlarge(int megabytes) => Run("mount", "-o", $"remount,size={megabytes}m", Root);

    public void Protect(bool readOnly) => Run("mount", "-o", readOnly ? "remount,ro" : "remount,rw", Root);

    public void Dispose()
    {
        Run("umount", "-l", Root);
        Directory.Delete(Root);
    }

    public static void Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {said}");
    }

    private static bool TryMount()
    {
        try
        {
            new SmallDisk(1).Dispose();
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A test that needs a <see cref="SmallDisk"/>; skipped, with the reason, where none can be made.</summary>
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        if (!SmallDisk.Possible) Skip = "Needs a small disk of its own, which only root can mount on Linux.";
    }
}
