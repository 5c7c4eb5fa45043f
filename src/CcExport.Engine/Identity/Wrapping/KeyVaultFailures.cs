using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure.Identity;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>What Key Vault's refusals mean to a person. Of its words only the code is shown: the text may name people and addresses.</summary>
internal static partial class KeyVaultFailures
{
    private const string Role = "the role Key Vault Crypto Service Encryption User, or an access policy with wrapKey and unwrapKey";

    public static CcException Unreachable(KeyVaultKeyId key, HttpRequestException fault) => new("KeyVaultUnreachable", CcErrorKind.Connection,
        fault.StatusCode is { } status ? $"The vault of {key} did not answer as it should (HTTP {(int)status})." : $"The vault of {key} cannot be reached, or does not answer.",
        fault.StatusCode is null ? "Check the name, the network and the proxy of this machine, then run the command again." : "Try again later: the trouble is on the other side.", fault)
    { Subject = key.ToString() };

    public static CcException Refused(KeyVaultKeyId key, HttpStatusCode status, byte[] answer)
    {
        string code = CodeIn(answer) is { } found ? $"{found}, HTTP {(int)status}" : $"HTTP {(int)status}";
        return status switch
        {
            HttpStatusCode.Forbidden => new CcException("KeyVaultForbidden", CcErrorKind.Permission, $"This identity may not use the key {key} ({code}).",
                $"Give it {Role}; check that the key is enabled, and that the vault's firewall lets this machine in.")
            { Subject = key.ToString() },
            HttpStatusCode.Unauthorized => new CcException("KeyVaultForbidden", CcErrorKind.Permission, $"The vault of {key} did not take this identity's token ({code}).",
                "Check that the identity is of the vault's tenant, and this machine's clock.")
            { Subject = key.ToString() },
            HttpStatusCode.NotFound => new CcException("KeyVaultKeyNotFound", CcErrorKind.NotFound, $"There is no key {key}.",
                $"Check {KeyRingOptions.KeyVaultVariable}. A key that was deleted can be recovered while the vault keeps it (soft delete).")
            { Subject = key.ToString() },
            _ => new CcException("KeyVaultRefused", CcErrorKind.Service, $"The vault of {key} refused ({code}).", "The key must be an RSA key with the operations wrapKey and unwrapKey.") { Subject = key.ToString() },
        };
    }

    public static CcException Unexpected(KeyVaultKeyId key) => new("KeyVaultRefused", CcErrorKind.Service, $"What answers at {key} is not the key's vault, or answers what nobody can read.",
        $"Check {KeyRingOptions.KeyVaultVariable}, and whether something stands between this machine and the vault.")
    { Subject = key.ToString() };

    /// <summary>Without the library's exception: it may quote what it sent.</summary>
    public static CcException NotSignedIn(KeyVaultKeyId key, AuthenticationFailedException fault) => new("KeyVaultSignInFailed", CcErrorKind.Authentication,
        (fault is CredentialUnavailableException ? $"Nobody is signed in to Azure here who could use the key {key}" : $"Signing in to Azure for the key {key} failed")
            + (Number().Match(fault.Message) is { Success: true } number ? $" ({number.Value})." : "."),
        "Assign this machine a managed identity, set the variables of a workload identity or a service principal (AZURE_CLIENT_ID, AZURE_TENANT_ID and its proof), or sign in with 'az login'.")
    { Subject = key.ToString() };

    /// <summary>The innermost code: it tells a firewall from a missing right.</summary>
    private static string? CodeIn(byte[] answer)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(answer);
            string? code = null;
            JsonElement error = json.RootElement.GetProperty("error");
            while (error.ValueKind == JsonValueKind.Object)
            {
                if (error.TryGetProperty("code", out JsonElement said) && said.ValueKind == JsonValueKind.String && Code().IsMatch(said.GetString()!)) code = said.GetString();
                if (!error.TryGetProperty("innererror", out error)) break;
            }
            return code;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    [GeneratedRegex("^[A-Za-z]{1,60}$")]
    private static partial Regex Code();

    [GeneratedRegex(@"AADSTS[0-9]{4,9}\b")]
    private static partial Regex Number();
}
