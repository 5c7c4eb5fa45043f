using CcExport.Engine.ConstantContact;
using CcExport.Engine.Exports;
using CcExport.Engine.Profiles;

namespace CcExport.Engine;

/// <summary>
/// The engine's face: everything that the cmdlets ask for. Opening it opens the home and its store; nothing goes over the
/// network before a method that says so is called. Failures a person can act on are <see cref="CcException"/>.
/// </summary>
public sealed class CcEngine : IAsyncDisposable
{
    /// <summary>The usual names of a profile's key, in the order they are looked for.</summary>
    public static IReadOnlyList<string> KeyCandidates { get; } = ["CustomerId", "msdynci_customerid", "ContactId", "CustomerKey", "ProfileId", "Id", "Key"];

    /// <summary>Opens the home (<c>$env:CCEXPORT_HOME</c>, else the user's local application data) and its store.</summary>
    public static Task<CcEngine> OpenAsync(CancellationToken ct) => throw new NotSupportedException($"{ct}");

    /// <summary>The data privacy statement to show before connecting.</summary>
    public static string ConsentStatement => throw new NotSupportedException();

    /// <summary>Contact fields that a map may use besides <c>cf:</c> fields, for completion.</summary>
    public static IReadOnlyList<string> StandardFields => throw new NotSupportedException();

    /// <summary>
    /// Checks asked columns against those that exist (exact, else without regard to case): <c>ColumnNotFound</c>, <c>ColumnAmbiguous</c>.
    /// Returns the names as they exist.
    /// </summary>
    public static IReadOnlyList<string> ResolveColumns(IReadOnlyList<string> asked, IReadOnlyList<string> existing, string place)
        => [.. Columns.Find(asked, existing, place).Select(i => existing[i])];

    /// <summary>Checks a map's keys, and that it has <c>email</c>: <c>MapWithoutEmail</c>, <c>MapKeyUnknown</c>, <c>MapKeyTwice</c>, <c>MapTooManyCustomFields</c>.</summary>
    public static void CheckMap(IReadOnlyDictionary<string, string> map) => throw new NotSupportedException($"{map}");

    // Connections

    /// <summary>Signs in (network), and keeps the connection. <c>NameTaken</c> when the name exists.</summary>
    public Task<Connection> AddConnectionAsync(NewConnection request, ISignInPrompt prompt, CancellationToken ct) => throw new NotSupportedException($"{request}{prompt}{ct}");
    /// <summary>All connections, by name.</summary>
    public Task<IReadOnlyList<Connection>> GetConnectionsAsync(CancellationToken ct) => throw new NotSupportedException($"{ct}");
    /// <summary>Removes one: <c>ConnectionNotFound</c>; <c>ConnectionInUse</c> while exports use it (lists them).</summary>
    public Task RemoveConnectionAsync(string name, CancellationToken ct) => throw new NotSupportedException($"{name}{ct}");
    /// <summary>Asks the service (network) and says whether exports can run; throws only when the connection does not exist.</summary>
    public Task<ConnectionHealth> TestConnectionAsync(string name, CancellationToken ct) => throw new NotSupportedException($"{name}{ct}");
    /// <summary>The account's lists (network).</summary>
    public Task<IReadOnlyList<ContactList>> GetListsAsync(string connection, CancellationToken ct) => throw new NotSupportedException($"{connection}{ct}");
    /// <summary>The account's custom fields (network).</summary>
    public Task<IReadOnlyList<CustomField>> GetCustomFieldsAsync(string connection, CancellationToken ct) => throw new NotSupportedException($"{connection}{ct}");
    /// <summary>Lists and custom field keys seen last through a connection, for completion; never asks the network.</summary>
    public Task<(IReadOnlyList<ContactList> Lists, IReadOnlyList<string> FieldKeys)> GetKnownAsync(string? connection, CancellationToken ct) => throw new NotSupportedException($"{connection}{ct}");
    /// <summary>Calls used and left today, for each API key or for one connection's.</summary>
    public Task<IReadOnlyList<Budget>> GetBudgetsAsync(string? connection, CancellationToken ct) => throw new NotSupportedException($"{connection}{ct}");

    // Sources

    /// <summary>Adds a source after looking at its path: <c>NameTaken</c>, and what reading says.</summary>
    public Task<ProfileSource> AddSourceAsync(string name, SourceReference path, CancellationToken ct) => throw new NotSupportedException($"{name}{path}{ct}");
    /// <summary>All sources, by name.</summary>
    public Task<IReadOnlyList<ProfileSource>> GetSourcesAsync(CancellationToken ct) => throw new NotSupportedException($"{ct}");
    /// <summary>Removes one: <c>SourceNotFound</c>; <c>SourceInUse</c> while exports read it (lists them).</summary>
    public Task RemoveSourceAsync(string name, CancellationToken ct) => throw new NotSupportedException($"{name}{ct}");
    /// <summary>The segments of a source or a path.</summary>
    public Task<IReadOnlyList<Segment>> GetSegmentsAsync(SourceReference source, CancellationToken ct) => throw new NotSupportedException($"{source}{ct}");
    /// <summary>The columns of a segment.</summary>
    public Task<IReadOnlyList<string>> GetColumnsAsync(SourceReference source, string segment, CancellationToken ct) => throw new NotSupportedException($"{source}{segment}{ct}");
    /// <summary>Streams profiles in pages of at most 1,024 rows; null columns: all.</summary>
    public IAsyncEnumerable<ProfilePage> GetProfilesAsync(SourceReference source, string segment, IReadOnlyList<string>? columns, long? first, CancellationToken ct) => throw new NotSupportedException($"{source}{segment}{columns}{first}{ct}");

    // Exports

    /// <summary>Creates or changes an export; never runs it. <c>ExportIncomplete</c> names what a new one lacks.</summary>
    public Task<Export> SetExportAsync(ExportChange change, CancellationToken ct) => throw new NotSupportedException($"{change}{ct}");
    /// <summary>All exports, by name, with their last run.</summary>
    public Task<IReadOnlyList<Export>> GetExportsAsync(CancellationToken ct) => throw new NotSupportedException($"{ct}");
    /// <summary>Removes one; its runs stay. <c>ExportNotFound</c>.</summary>
    public Task RemoveExportAsync(string name, CancellationToken ct) => throw new NotSupportedException($"{name}{ct}");

    // Runs

    /// <summary>Reads and maps as a run would, and sends nothing.</summary>
    /// <param name="first">Most profiles to read; null: all.</param>
    /// <param name="maxRejections">Most rejections to keep; reading and counting go on beyond it.</param>
    public Task<Preview> PreviewAsync(RunRequest request, long? first, int maxRejections, IRunObserver observer, CancellationToken ct) => throw new NotSupportedException($"{request}{first}{maxRejections}{observer}{ct}");
    /// <summary>
    /// Runs an export to its end (network). Definition and preflight faults throw before a run exists; whatever stops a begun run is
    /// in the returned run (status Failed, with <see cref="Run.Message"/>). Cancelling the token leaves the run Interrupted and throws.
    /// </summary>
    public Task<Run> InvokeAsync(RunRequest request, IRunObserver observer, CancellationToken ct) => throw new NotSupportedException($"{request}{observer}{ct}");
    /// <summary>Runs, newest first.</summary>
    public Task<IReadOnlyList<Run>> GetRunsAsync(string? export, int? last, CancellationToken ct) => throw new NotSupportedException($"{export}{last}{ct}");
    /// <summary>One run; null when there is none of that number.</summary>
    public Task<Run?> GetRunAsync(long id, CancellationToken ct) => throw new NotSupportedException($"{id}{ct}");
    /// <summary>Streams a run's rejections and notes in the order they were found.</summary>
    public IAsyncEnumerable<Rejection> GetRejectionsAsync(long runId, CancellationToken ct) => throw new NotSupportedException($"{runId}{ct}");

    /// <summary>Closes the store.</summary>
    public ValueTask DisposeAsync() => default;
}

/// <summary>Some profiles as text, for people who look and filter.</summary>
/// <param name="Columns">The same list for all pages of a reading.</param>
/// <param name="Rows">Values in the columns' order; null: not there.</param>
public sealed record ProfilePage(IReadOnlyList<string> Columns, IReadOnlyList<string?[]> Rows);
