namespace CcExport.Engine.Profiles;

/// <summary>
/// The address of a container and of a place in it, taken apart: <c>https://account.blob.core.windows.net/container/folder</c>, the same with <c>dfs</c> (ADLS
/// Gen2), or an emulator's <c>http://127.0.0.1:10000/account/container/folder</c>.
/// </summary>
/// <param name="Container">Of the blob endpoint, without a query.</param>
/// <param name="Prefix">What the names of its blobs begin with; empty: all. Without slashes at its ends.</param>
internal sealed record BlobAddress(string Account, Uri Container, string Prefix)
{
    private static readonly string[] Clouds =
        [".core.windows.net", ".storage.azure.net", ".core.usgovcloudapi.net", ".core.chinacloudapi.cn"];

    /// <summary>Whether a token may be sent there: only to hosts of the service itself.</summary>
    public bool IsOfTheService => Container.Scheme == Uri.UriSchemeHttps && Clouds.Any(cloud => Container.Host.EndsWith(cloud, StringComparison.OrdinalIgnoreCase));

    /// <summary>The address as people know it, for messages: never with its query, which may be a signature.</summary>
    public static string Shown(Uri address)
        => address.IsAbsoluteUri ? $"{address.Scheme}://{address.Authority}{Uri.UnescapeDataString(address.AbsolutePath).TrimEnd('/')}" : address.OriginalString.Split('?', '#')[0];

    /// <summary><c>BlobAddressInvalid</c> for what is no such address.</summary>
    public static BlobAddress Parse(Uri address)
    {
        if (!address.IsAbsoluteUri || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp)) throw Invalid(address, "is no web address");
        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback) throw Invalid(address, "is not https");
        if (address.Query.Length > 0 || address.Fragment.Length > 0 || address.UserInfo.Length > 0) throw Invalid(address, "has more than a host and a path");
        bool byPath = address.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 || address.IsLoopback;
        string[] steps = address.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries);
        int first = byPath ? 1 : 0;
        if (steps.Length <= first) throw Invalid(address, "names no container");
        string account = byPath ? steps[0] : address.Host.Split('.')[0];
        string host = byPath ? address.Host : address.Host.Replace(".dfs.", ".blob.", StringComparison.OrdinalIgnoreCase);
        var container = new UriBuilder(address) { Host = host, Path = string.Join('/', steps[..(first + 1)]) };
        return new(account, container.Uri, Uri.UnescapeDataString(string.Join('/', steps[(first + 1)..])));
    }

    private static CcException Invalid(Uri address, string why) => new("BlobAddressInvalid", CcErrorKind.InvalidArgument,
        $"'{Shown(address)}' {why}.", "Give the address of a container, and of a folder in it: https://account.blob.core.windows.net/container/folder.")
    { Subject = Shown(address) };
}
