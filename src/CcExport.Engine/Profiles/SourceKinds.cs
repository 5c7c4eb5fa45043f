namespace CcExport.Engine.Profiles;

/// <summary>One kind of source: how it is known by its reference, and opened. A new kind is a file of its own and a line in <see cref="SourceKinds.All"/>.</summary>
/// <param name="Name">As people see it.</param>
/// <param name="LocationOf">Where it is; null when a reference is of another kind.</param>
/// <param name="Check">Throws for what no such source could be opened with, before anything is kept or asked.</param>
/// <param name="ReadWith">With what it is read; <see cref="SourceKinds.ExportUser"/> when that is the identity of a connection.</param>
/// <param name="Open">Opens it; nothing is asked before the first question.</param>
internal sealed record SourceKind(
    Func<SourceReference, string> Name, Func<SourceReference, string?> LocationOf, Action<SourceReference> Check, Func<SourceReference, string> ReadWith,
    Func<SourceReference, SourceContext, IProfileSource> Open)
{
    /// <summary>For what a token is asked that reads it (<c>https://org.crm.dynamics.com/.default</c>); null where none is. Whoever signs in consents to it.</summary>
    public Func<SourceReference, string?> Scope { get; init; } = static _ => null;
}

/// <summary>All kinds of sources.</summary>
internal static class SourceKinds
{
    /// <summary>Said of a source that is read as the export user of a connection.</summary>
    public const string ExportUser = "ExportUser";

    /// <summary>Said of a source that is read with the rights of this process.</summary>
    public const string Process = "Process";

    public static IReadOnlyList<SourceKind> All { get; } = [FileSource.Kind, BlobSource.Kind, Dataverse.DataverseSource.Kind, CustomerInsights.CustomerInsightsSource.Kind];

    /// <summary>The kind of a reference that names a place; null when it names none.</summary>
    public static SourceKind? Of(SourceReference reference) => All.FirstOrDefault(kind => kind.LocationOf(reference) is not null);

    public static SourceKind Find(SourceReference reference) => Of(reference) ?? throw new CcException("SourceIncomplete", CcErrorKind.InvalidArgument,
        "The source names no place.", "Give one of -Path, -BlobContainer, -Dataverse and -CustomerInsights.");
}
