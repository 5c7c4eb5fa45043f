using System.Net;
using System.Security;

namespace CcExport;

/// <summary>Secrets as PowerShell hands them over.</summary>
internal static class Secure
{
    /// <summary>The text of a secure string; null for null.</summary>
    public static string? Plain(SecureString? secret) => secret is null ? null : new NetworkCredential("", secret).Password;
}
