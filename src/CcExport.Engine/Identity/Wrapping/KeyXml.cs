using System.Xml;
using System.Xml.Linq;

namespace CcExport.Engine.Identity.Wrapping;

/// <summary>
/// A ring's element as Data Protection writes it: what is secret in it is marked, and is replaced by an <c>encryptedSecret</c> when something wraps it. Unwrapped, the
/// mark is there again.
/// </summary>
internal static class KeyXml
{
    public static readonly XName DecryptorType = "decryptorType";

    private static readonly XNamespace Library = "http://schemas.asp.net/2015/03/dataProtection";
    private static readonly XName Wrapped = Library + "encryptedSecret";
    private static readonly XName Mark = Library + "requiresEncryption";

    /// <summary>Null when it is damaged.</summary>
    public static XElement? TryParse(string xml)
    {
        try
        {
            return XElement.Parse(xml);
        }
        catch (XmlException)
        {
            return null;
        }
    }

    /// <summary>Beside keys a ring may hold revocations, which are no secret.</summary>
    public static bool IsKey(XElement element) => element.Name.LocalName == "key";

    /// <summary>The ring's own name for a key: what is wrapped is bound to it.</summary>
    public static string IdOf(XElement key) => (string?)key.Attribute("id") ?? "";

    public static string ToText(XElement element) => $"<?xml version=\"1.0\" encoding=\"utf-8\"?>{Environment.NewLine}{element}";

    /// <summary>What lies open, in the order of the document.</summary>
    public static IReadOnlyList<XElement> OpenSecrets(XElement element) => [.. element.Descendants().Where(e => (bool?)e.Attribute(Mark) == true)];

    public static IReadOnlyList<XElement> WrappedSecrets(XElement element) => [.. element.Descendants(Wrapped)];

    public static XElement NewWrapped(string decryptorType, XElement content) => new(Wrapped, new XAttribute(DecryptorType, decryptorType), content);
}
