using System.Management.Automation;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace CcExport;

/// <summary>
/// Loads the engine and everything it depends on into a load context of the module's own, so that other modules'
/// versions of the same assemblies are neither disturbed nor used. PowerShell reads this assembly's public types before
/// <see cref="OnImport"/> runs: none of them may derive from, implement over, or hold a value of an engine type.
/// </summary>
public sealed class DependencyResolver : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private static readonly string Folder =
        Path.Combine(Path.GetDirectoryName(typeof(DependencyResolver).Assembly.Location)!, "deps");

    private static readonly EngineContext Context = new();

    /// <summary>Opens the one way into the context: the engine's name.</summary>
    public void OnImport() => AssemblyLoadContext.Default.Resolving += Resolve;

    /// <summary>Closes it. The context stays, as assemblies cannot be unloaded.</summary>
    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static Assembly? Resolve(AssemblyLoadContext _, AssemblyName name)
        => name.Name == "CcExport.Engine" ? Context.LoadFromAssemblyName(name) : null;

    private sealed class EngineContext() : AssemblyLoadContext("CcExport")
    {
        // net10.0 holds the same assemblies compiled ahead of time; an older runtime takes them as they are and compiles at run time.
        private static readonly string[] Frameworks = Environment.Version.Major >= 10 ? ["net10.0", "net8.0", "netstandard2.0"] : ["net8.0", "netstandard2.0"];
        private static readonly string[] Rids = RidsOfThisMachine();
        private static readonly AssemblyName Diagnostics = typeof(System.Diagnostics.ActivitySource).Assembly.GetName();

        // A platform's own build comes first: the one beside the engine only throws PlatformNotSupported for some packages.
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            // Whoever listens to spans and instruments in this process does so with the shell's own: ours would be another's, and unheard. An older shell's is too old for us.
            if (assemblyName.Name == Diagnostics.Name && Diagnostics.Version >= assemblyName.Version) return null;
            foreach (string rid in Rids)
            {
                foreach (string framework in Frameworks)
                {
                    string own = Path.Combine(Folder, "runtimes", rid, "lib", framework, assemblyName.Name + ".dll");
                    if (File.Exists(own)) return LoadFromAssemblyPath(own);
                }
            }
            string path = Path.Combine(Folder, assemblyName.Name + ".dll");
            return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName)
        {
            string file = OperatingSystem.IsWindows() ? unmanagedDllName + ".dll"
                : OperatingSystem.IsMacOS() ? $"lib{unmanagedDllName}.dylib" : $"lib{unmanagedDllName}.so";
            foreach (string rid in Rids)
            {
                string path = Path.Combine(Folder, "runtimes", rid, "native", file);
                if (File.Exists(path)) return LoadUnmanagedDllFromPath(path);
            }
            return 0;   // the system's own libraries
        }

        // RuntimeInformation.RuntimeIdentifier names the distribution on some builds of .NET: no folder is called that.
        private static string[] RidsOfThisMachine()
        {
            string os = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
            string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            bool musl = os == "linux" && Directory.Exists("/lib") && Directory.EnumerateFiles("/lib", "ld-musl-*").Any();
            return musl ? [$"linux-musl-{architecture}", "unix"]
                : os == "win" ? [$"win-{architecture}", "win"]
                : [$"{os}-{architecture}", os, "unix"];
        }
    }
}
