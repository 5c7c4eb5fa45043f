using Dapper;

namespace CcExport.Engine.Store;

/// <summary>
/// Dapper compiles a reader and a writer for every statement, and keeps them for each connection string apart, forever. A
/// process that opens many homes one after the other (a fleet, the tests) would compile and keep them for each: about 1 MB
/// a home. All files have one schema, and all databases have one, so one set of each kind will do.
/// </summary>
internal static class CompiledRows
{
    static CompiledRows() => SqlMapper.ConnectionStringComparer = new Kinds();

    /// <summary>Before the first statement of a store.</summary>
    public static void Share()
    {
        // The work is the static constructor's, which runs once.
    }

    private sealed class Kinds : IEqualityComparer<string>
    {
        // As Microsoft.Data.Sqlite writes it first; Npgsql knows no such word.
        private static bool IsFile(string? text) => text is not null && text.StartsWith("Data Source=", StringComparison.Ordinal);

        public bool Equals(string? x, string? y) => IsFile(x) == IsFile(y);

        public int GetHashCode(string text) => IsFile(text) ? 1 : 2;
    }
}
