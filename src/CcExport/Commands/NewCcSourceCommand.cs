using System.Management.Automation;
using System.Security;
using CcExport.Completion;
using CcExport.Engine.Profiles;

namespace CcExport;

/// <summary>Names a place where customer profiles are, so that exports can read it.</summary>
/// <remarks>
/// <para>
/// A file is one segment, a folder has one for each of its files, a Customer Insights export folder (model.json) has one for each entity. CSV, JSON
/// lines, gzip of either, and Parquet are known. A container of Azure Blob Storage or ADLS Gen2 has the same layouts and is streamed. A Dataverse
/// environment has the segments of the Customer Insights that writes to it; the Customer Insights API has those of one instance, slowly: it is for small ones.
/// </para>
/// <para>
/// Dataverse, the API and, without a key or a signature of its own, a container are read as the export user of a connection (Add-CcExportUser). Keys and
/// signatures are kept encrypted. The place is looked at once where somebody may, nothing is read.
/// </para>
/// </remarks>
/// <example><code>New-CcSource -Name Insights -Path ./insights-export</code><para>Names a Customer Insights export folder.</para></example>
/// <example><code>New-CcSource Shop ./customers.csv -Encoding windows-1252 -Delimiter ';'</code><para>Names a file that another program wrote in its own way.</para></example>
/// <example><code>New-CcSource Lake -BlobContainer https://contoso.blob.core.windows.net/exports/CustomerInsights_1234/Daily</code><para>Names a folder of a container, read as the export user.</para></example>
/// <example><code>New-CcSource Unified -Dataverse https://contoso.crm4.dynamics.com</code><para>Names a Dataverse environment with Customer Insights in it.</para></example>
[Cmdlet(VerbsCommon.New, "CcSource", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(ProfileSource))]
public sealed class NewCcSourceCommand : CcCmdlet
{
    private const string PathSet = "Path";
    private const string BlobSet = "BlobContainer";
    private const string DataverseSet = "Dataverse";
    private const string InsightsSet = "CustomerInsights";

    /// <summary>The name to keep the source under.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The file or folder. Wildcards may stand for exactly one.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>The address of a container of Azure Blob Storage or ADLS Gen2, and of a folder in it. A shared access signature in it is kept encrypted, as one of -SasToken.</summary>
    [Parameter(Mandatory = true, ParameterSetName = BlobSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public Uri? BlobContainer { get; set; }

    /// <summary>The address of a Dataverse environment.</summary>
    [Parameter(Mandatory = true, ParameterSetName = DataverseSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public Uri? Dataverse { get; set; }

    /// <summary>The id of a Customer Insights instance, read over its API.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InsightsSet, ValueFromPipelineByPropertyName = true)]
    public Guid CustomerInsights { get; set; }

    /// <summary>The subscription key of the Customer Insights API.</summary>
    [Parameter(Mandatory = true, ParameterSetName = InsightsSet, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNull]
    public SecureString? SubscriptionKey { get; set; }

    /// <summary>Where the Customer Insights API is, with /v1; by default Microsoft's.</summary>
    [Parameter(ParameterSetName = InsightsSet)]
    public Uri? ApiEndpoint { get; set; }

    /// <summary>A shared access signature that lets read and list the container.</summary>
    [Parameter(ParameterSetName = BlobSet)]
    public SecureString? SasToken { get; set; }

    /// <summary>A key of the storage account. A signature or the export user can be limited to reading; this can not.</summary>
    [Parameter(ParameterSetName = BlobSet)]
    public SecureString? AccountKey { get; set; }

    /// <summary>The connection whose export user looks at the place now. Without it the only one there is.</summary>
    [Parameter(ParameterSetName = BlobSet)]
    [Parameter(ParameterSetName = DataverseSet)]
    [Parameter(ParameterSetName = InsightsSet)]
    [ArgumentCompleter(typeof(ConnectionCompleter))]
    public string? Connection { get; set; }

    /// <summary>The encoding of its files: utf8, utf-16, windows-1252 and the like. By default UTF-8, or what a byte order mark says.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = BlobSet, ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(EncodingCompleter))]
    public string? Encoding { get; set; }

    /// <summary>The character between fields. By default the one that the first line uses: comma, semicolon, tab or bar.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = BlobSet, ValueFromPipelineByPropertyName = true)]
    public char? Delimiter { get; set; }

    /// <summary>The names of the columns, for files without a heading line.</summary>
    [Parameter(ParameterSetName = PathSet, ValueFromPipelineByPropertyName = true)]
    [Parameter(ParameterSetName = BlobSet, ValueFromPipelineByPropertyName = true)]
    public string[]? Header { get; set; }

    /// <inheritdoc/>
    protected override void OnRecord()
    {
        SourceReference place = Place();
        Uri? address = place.BlobContainer ?? place.Dataverse;
        string where = place.Path ?? (address is { IsAbsoluteUri: true } ? address.GetLeftPart(UriPartial.Path) : address?.OriginalString) ?? place.CustomerInsights.ToString()!;
        if (ShouldProcess(Name, $"Keep a source that reads '{where}'"))
            WriteObject(Await((engine, ct) => engine.AddSourceAsync(Name, place, Connection, ct)));
    }

    private SourceReference Place()
    {
        switch (ParameterSetName)
        {
            case DataverseSet: return new SourceReference { Dataverse = Dataverse };
            case InsightsSet: return new SourceReference { CustomerInsights = CustomerInsights, ApiEndpoint = ApiEndpoint, SubscriptionKey = Secure.Plain(SubscriptionKey) };
            case BlobSet:
                // A signature that was pasted with the address is a secret all the same.
                string sas = BlobContainer!.IsAbsoluteUri ? BlobContainer.Query : "";
                return new SourceReference
                {
                    BlobContainer = sas.Length == 0 ? BlobContainer : new UriBuilder(BlobContainer) { Query = "" }.Uri,
                    SasToken = Secure.Plain(SasToken) ?? (sas.Length > 1 ? sas[1..] : null),
                    AccountKey = Secure.Plain(AccountKey),
                    Encoding = string.IsNullOrEmpty(Encoding) ? null : Encoding,
                    Delimiter = Delimiter,
                    Header = Header,
                };
            default: return Paths.Reference(SessionState, null, Path, Encoding, Delimiter, Header);
        }
    }
}
