using System.Globalization;
using System.Text.Json;

namespace CcExport.Simulator.Entra;

/// <summary>What a machine in Azure asks for tokens of its own identity: as an app service has it, and as a virtual machine.</summary>
internal static class ManagedIdentityEndpoints
{
    public static void Map(IEndpointRouteBuilder routes, EntraAuthority authority)
    {
        routes.MapGet("/msi/token", context => EntraEndpoints.AnswerAsync(context, authority, "managed_identity", p =>
        {
            if (context.Request.Headers["X-IDENTITY-HEADER"] != authority.ManagedIdentityHeader) throw new EntraException(401, "invalid_request", 50000, "The header is missing or wrong.");
            return Give(authority, p);
        }));
        routes.MapGet("/metadata/identity/oauth2/token", context => EntraEndpoints.AnswerAsync(context, authority, "managed_identity", p =>
        {
            if (context.Request.Headers["Metadata"] != "true") throw new EntraException(400, "invalid_request", 50000, "Required metadata header not specified.");
            return Give(authority, p);
        }));
    }

    private static Action<Utf8JsonWriter> Give(EntraAuthority authority, Func<string, string?> p)
    {
        string? client = p("client_id");
        if (client is not null && !authority.ManagedIdentities.Contains(client)) throw new EntraException(400, "invalid_request", 50000, "Identity not found");
        string resource = p("resource") is { Length: > 0 } asked ? asked : throw new EntraException(400, "invalid_request", 50000, "The resource is missing.");
        EntraReply reply = authority.ForApplication(client ?? "system", resource.TrimEnd('/') + "/.default");
        return w =>
        {
            w.WriteString("access_token", reply.AccessToken);
            w.WriteString("expires_on", authority.Now.AddSeconds(reply.ExpiresIn).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
            w.WriteString("expires_in", reply.ExpiresIn.ToString(CultureInfo.InvariantCulture));
            w.WriteString("resource", resource);
            w.WriteString("token_type", "Bearer");
            w.WriteString("client_id", client ?? "");
        };
    }
}
