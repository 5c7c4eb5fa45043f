using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace CcExport.Engine.Tests.Architecture;

/// <summary>The house keeps its doors: data goes one way, and the engine knows no PowerShell.</summary>
public sealed partial class RoomTests
{
    /// <summary>Which rooms a room may know. Profiles -> Mapping -> Upload -> ConstantContact: none knows what lies behind it but Mapping its input.</summary>
    private static readonly Dictionary<string, string[]> Doors = new()
    {
        ["Profiles"] = [],
        ["Mapping"] = ["Profiles"],
        ["Store"] = [],
        ["Telemetry"] = [],
        ["Announcements"] = [],
        ["Identity"] = ["Store"],
        ["ConstantContact"] = ["Store", "Identity", "Telemetry"],
        ["Upload"] = ["ConstantContact", "Store"],
        ["Fingerprints"] = ["Store"],
        ["PreImages"] = ["Store", "Mapping", "Fingerprints"],
        ["Exports"] = ["Profiles", "Mapping", "Upload", "ConstantContact", "Identity", "Store", "Fingerprints", "PreImages", "Telemetry", "Announcements"],
    };

    private static string Source([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../src"));

    public static TheoryData<string> Rooms => [.. Doors.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_knows_only_the_rooms_it_may(string room)
    {
        string[] files = Directory.GetFiles(Path.Combine(Source(), "CcExport.Engine", room), "*.cs", SearchOption.AllDirectories);
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            string text = File.ReadAllText(file);
            string[] known = [.. FullName().Matches(text).Concat(ShortName().Matches(text)).Select(m => m.Groups[1].Value).Where(Doors.ContainsKey).Distinct()];
            string[] forbidden = [.. known.Except(Doors[room]).Except([room])];
            Assert.True(forbidden.Length == 0, $"{room}/{Path.GetFileName(file)} reaches into {string.Join(", ", forbidden)}.");
        }
    }

    [Fact]
    public void Every_folder_of_the_engine_is_a_room_with_rules()
        => Assert.Equal(Doors.Keys.Order(), Directory.GetDirectories(Path.Combine(Source(), "CcExport.Engine")).Select(d => Path.GetFileName(d)!).Except(["bin", "obj"]).Order());

    [Fact]
    public void The_engine_references_no_PowerShell()
        => Assert.DoesNotContain(typeof(CcEngine).Assembly.GetReferencedAssemblies(), a => a.Name!.Contains("Management.Automation", StringComparison.Ordinal) || a.Name.Contains("PowerShell", StringComparison.Ordinal));

    /// <summary>Time comes from a TimeProvider, and nothing blocks: a clock that cannot be faked is a wait in every test.</summary>
    [Fact]
    public void The_engine_reads_no_clock_of_its_own_and_never_blocks()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Source(), "CcExport.Engine"), "*.cs", SearchOption.AllDirectories))
        {
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("\\obj\\", StringComparison.Ordinal)) continue;
            string code = Comment().Replace(File.ReadAllText(file), "");
            Match bad = Clock().Match(code);
            Assert.False(bad.Success, $"{Path.GetFileName(file)} uses {bad.Value}");
        }
    }

    /// <summary>What the module may build on changes here, and is seen.</summary>
    [Fact]
    public void The_public_surface_is_what_was_agreed()
    {
        string[] names = [.. typeof(CcEngine).Assembly.GetExportedTypes().Select(t => t.FullName!).Order(StringComparer.Ordinal)];
        string agreed = File.ReadAllText(Path.Combine(Source(), "../tests/CcExport.Engine.Tests/Architecture/PublicTypes.txt"));
        Assert.Equal(agreed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), names);
    }

    [GeneratedRegex(@"CcExport\.Engine\.(\w+)")]
    private static partial Regex FullName();

    /// <summary>A room's name as a qualifier: from inside the engine's namespace that is enough to reach in.</summary>
    [GeneratedRegex(@"(?<![\w.""])(Profiles|Mapping|Upload|ConstantContact|Identity|Exports|Store)\.(?=[A-Z]\w*[.(])")]
    private static partial Regex ShortName();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"DateTime(Offset)?\.(Utc)?Now\b|Thread\.Sleep|\.GetAwaiter\(\)\.GetResult\(\)|\.Wait\(\)|Task\.Delay\(([^,()]|\([^()]*\))*\)|Task\.Delay\([^,()]*, (ct|token|cancellationToken)\)")]
    private static partial Regex Clock();
}
