using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace CcExport.Simulator.Insights;

/// <summary>What membership rows of computed profiles list: one text for each set of segments.</summary>
internal sealed class MembershipTexts(IReadOnlyList<SimulatedSegment> segments)
{
    private readonly ConcurrentDictionary<ulong, (string Text, byte[] Json)> _texts = new();

    public IReadOnlyList<SimulatedSegment> Segments => segments;

    /// <summary>A bit for each segment that has the profile.</summary>
    public ulong SetOf(long number)
    {
        ulong set = 0;
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments[i].Has(number)) set |= 1UL << i;
        }
        return set;
    }

    /// <summary>The column's text, and the same as a JSON string.</summary>
    public (string Text, byte[] Json) Of(ulong set) => _texts.GetOrAdd(set, Make);

    private (string Text, byte[] Json) Make(ulong set)
    {
        string text = Text(segments.Where((_, i) => (set & (1UL << i)) != 0).Select(s => s.Name));
        return (text, JsonBytes.Quoted(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping));
    }

    public static string Text(IEnumerable<string> names) => $"{{\"Segments\":{JsonSerializer.Serialize(names)}}}";
}
