using System.Security.Cryptography;
using System.Text;
using CcExport.Engine.Identity;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>The webhook of an export, apart from its definition and protected by the key ring.</summary>
internal static class ExportSecrets
{
    private static string Purpose(string name) => "export/" + NameKey.Of(name);

    public static byte[] Protect(ISecretBox box, string name, Uri webhook)
    {
        byte[] plain = Encoding.UTF8.GetBytes(webhook.AbsoluteUri);
        try { return box.Protect(Purpose(name), plain); }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }

    public static Uri Unprotect(ISecretBox box, string name, byte[] secrets)
    {
        byte[] plain = box.Unprotect(Purpose(name), secrets);
        try { return new Uri(Encoding.UTF8.GetString(plain)); }
        finally { CryptographicOperations.ZeroMemory(plain); }
    }
}
