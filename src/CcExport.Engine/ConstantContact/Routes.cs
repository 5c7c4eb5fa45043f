using System.Collections.Frozen;

namespace CcExport.Engine.ConstantContact;

/// <summary>A call's address as a route: what is not one of the API's own words is an id, and stands as <c>{id}</c>. The query is left out.</summary>
internal static class Routes
{
    private static readonly FrozenSet<string> Words = new[]
    {
        "account", "user", "privileges", "summary", "contacts", "counts", "contact_lists", "contact_custom_fields", "contact_exports", "activities", "contacts_json_import",
        "remove_list_memberships",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static string Of(Uri endpoint, Uri address)
    {
        string path = address.AbsolutePath, root = endpoint.AbsolutePath.TrimEnd('/');
        if (path.StartsWith(root + "/", StringComparison.Ordinal)) path = path[root.Length..];
        return string.Join('/', path.Split('/').Select(part => part.Length == 0 || Words.Contains(part) ? part : "{id}"));
    }
}
