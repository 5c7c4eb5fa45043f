using System.Text.Encodings.Web;

namespace CcExport.Engine;

/// <summary>How JSON is written for the wire.</summary>
internal static class WireJson
{
    /// <summary>Only what JSON itself forbids is escaped: <c>\uXXXX</c> for a letter would double or triple the bytes of a batch.</summary>
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
}
