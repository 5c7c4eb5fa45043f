using System.Text.Json.Serialization;

namespace CcExport.Engine.Profiles;

/// <summary>
/// Where to read: the name of a source; or one of a path, a container, an environment and an instance, with what it takes to read it. Only a named
/// source keeps secrets; they are stored apart, and never in the text of this.
/// </summary>
public sealed record SourceReference
{
    /// <summary>The name of a source; or null and a place.</summary>
    public string? Name { get; init; }
    /// <summary>An absolute path.</summary>
    public string? Path { get; init; }
    /// <summary>Encoding of files; null: UTF-8, or what the byte order mark says.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter of files; null: found in the first line.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names where the files have no header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>A container of Azure Blob Storage or ADLS Gen2, and a folder in it: <c>https://account.blob.core.windows.net/container/folder</c>. No query.</summary>
    public Uri? BlobContainer { get; init; }
    /// <summary>A Dataverse environment: <c>https://org.crm.dynamics.com</c>.</summary>
    public Uri? Dataverse { get; init; }
    /// <summary>The id of a Customer Insights instance.</summary>
    public Guid? CustomerInsights { get; init; }
    /// <summary>Where the Customer Insights API is, with <c>/v1</c>; null: the vendor's.</summary>
    public Uri? ApiEndpoint { get; init; }

    /// <summary>Which secret is kept with it, by the name of its property; null: none. So that a list of sources needs no key ring, and a login that may not read the secret is not sent for another.</summary>
    [JsonInclude]
    internal string? Keeps { get; init; }

    /// <summary>The subscription key of the Customer Insights API.</summary>
    [JsonIgnore]
    public string? SubscriptionKey { get; init; }
    /// <summary>A shared access signature for the container, in place of the export user.</summary>
    [JsonIgnore]
    public string? SasToken { get; init; }
    /// <summary>A key of the storage account, in place of the export user.</summary>
    [JsonIgnore]
    public string? AccountKey { get; init; }

    /// <summary>Which secret it has at hand; null: none.</summary>
    internal string? Has => SubscriptionKey is not null ? nameof(SubscriptionKey) : SasToken is not null ? nameof(SasToken) : AccountKey is not null ? nameof(AccountKey) : null;

    /// <summary>Names no secret.</summary>
    public override string ToString() => $"SourceReference {Name ?? SourceKinds.Of(this)?.LocationOf(this)}";
}

/// <summary>A named source.</summary>
public sealed class ProfileSource
{
    /// <summary>Its name, unique without regard to case.</summary>
    public required string Name { get; init; }
    /// <summary>What it is: File, Folder, CustomerInsightsFolder, BlobContainer, Dataverse, CustomerInsights.</summary>
    public required string Kind { get; init; }
    /// <summary>Where it is: a path, an address, an instance.</summary>
    public required string Location { get; init; }
    /// <summary>Its absolute path, where it has one.</summary>
    public string? Path { get; init; }
    /// <summary>How it is read: by this process, the export user of a connection, a key or a signature kept with it.</summary>
    public required string ReadWith { get; init; }
    /// <summary>Encoding of its files; null: UTF-8, or what their byte order mark says.</summary>
    public string? Encoding { get; init; }
    /// <summary>Delimiter; null: found in the first line.</summary>
    public char? Delimiter { get; init; }
    /// <summary>Column names where the files have no header.</summary>
    public IReadOnlyList<string>? Header { get; init; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Whether a source can be read.</summary>
public sealed class SourceHealth
{
    /// <summary>Its name.</summary>
    public required string Source { get; init; }
    /// <summary>What it is.</summary>
    public required string Kind { get; init; }
    /// <summary>Exports can read it.</summary>
    public required bool Healthy { get; init; }
    /// <summary>Healthy, Warning, or the id of what is wrong.</summary>
    public required string Status { get; init; }
    /// <summary>What was found, each with a remedy.</summary>
    public required IReadOnlyList<string> Findings { get; init; }
    /// <summary>As whom it was read; null when it came to nothing.</summary>
    public string? ReadAs { get; init; }
    /// <summary>How many segments it has.</summary>
    public int Segments { get; init; }
}
