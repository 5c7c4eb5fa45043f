using CcExport.Engine;

namespace CcExport;

/// <summary>Finds the dotnet command that can run the simulator.</summary>
internal static class DotnetHost
{
    private static readonly string FileName = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";

    /// <summary>The host of this process where PowerShell is a .NET tool, else the one that the environment names.</summary>
    public static string Find()
    {
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") return Environment.ProcessPath!;
        IEnumerable<string?> candidates =
        [
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH"),
            In(Environment.GetEnvironmentVariable("DOTNET_ROOT")),
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(In),
        ];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new CcException("SimulatorNeedsDotnet", CcErrorKind.NotFound,
                "The simulator needs the dotnet command, and there is none here.",
                "Install the .NET SDK or the ASP.NET Core runtime, or set DOTNET_ROOT. PowerShell's own installer brings neither.");
    }

    private static string? In(string? folder) => string.IsNullOrEmpty(folder) ? null : Path.Combine(folder, FileName);
}
