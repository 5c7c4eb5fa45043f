using System.Text;
using System.Text.Json;
using CcExport.Engine.Tests.Mapping;
using nietras.SeparatedValues;

namespace CcExport.Benchmarks;

/// <summary>
/// Compares what a server holds with what an independent reading of the input says it should: another CSV parser, the slow reference of the
/// rules, a plain dictionary. Nothing of the engine is used.
/// </summary>
internal static class IndependentCheck
{
    /// <summary>Prints the comparison; 0 when both are equal.</summary>
    public static int Run(string source, string contacts)
    {
        var expected = new Dictionary<string, string>(StringComparer.Ordinal);
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var rules = new ReferenceMapper();
        long read = 0;
        foreach ((string[] header, string file) in Files(source))
        {
            // Headerless parts get their header as a first line, so that the parser knows how many fields a row has.
            string text = header.Length == 0 ? File.ReadAllText(file) : string.Join(',', header) + "\r\n" + File.ReadAllText(file);
            using SepReader rows = Sep.New(',').Reader(o => o with { Unescape = true }).FromText(text);
            foreach (SepReader.Row row in rows)
            {
                read++;
                (Dictionary<string, string>? contact, string? reason, _) = rules.Map(
                    row["EMail"].ToString(), ("first_name", row["FirstName"].ToString(), 50), ("last_name", row["LastName"].ToString(), 50));
                if (contact is null) reasons[reason!] = reasons.GetValueOrDefault(reason!) + 1;
                else expected.Add(contact["email"].ToLowerInvariant(), Line(contact.GetValueOrDefault("first_name"), contact.GetValueOrDefault("last_name")));
            }
        }

        int held = 0, missing = 0, different = 0, surplus = 0;
        foreach (string line in File.ReadLines(contacts, Encoding.UTF8))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            held++;
            if (!expected.Remove(document.RootElement.GetProperty("email").GetString()!.ToLowerInvariant(), out string? names)) surplus++;
            else if (names != Line(Text(document, "first_name"), Text(document, "last_name"))) different++;
        }
        missing = expected.Count;
        Console.WriteLine($"{{\"read\":{read},\"held\":{held},\"missing\":{missing},\"different\":{different},\"surplus\":{surplus},\"reasons\":{JsonSerializer.Serialize(reasons)}}}");
        return missing + different + surplus == 0 ? 0 : 1;
    }

    private static IEnumerable<(string[] Header, string File)> Files(string source)
    {
        if (File.Exists(source))
        {
            yield return ([], source);
            yield break;
        }
        using JsonDocument model = JsonDocument.Parse(File.ReadAllText(Path.Combine(source, "model.json")));
        foreach (JsonElement entity in model.RootElement.GetProperty("entities").EnumerateArray())
        {
            string[] header = [.. entity.GetProperty("attributes").EnumerateArray().Select(a => a.GetProperty("name").GetString()!)];
            foreach (JsonElement part in entity.GetProperty("partitions").EnumerateArray())
            {
                string[] tail = part.GetProperty("location").GetString()!.Split('/');
                yield return (header, Path.Combine([source, .. tail[^6..]]));
            }
        }
    }

    private static string Line(string? first, string? last) => first + "\u0001" + last;

    private static string? Text(JsonDocument contact, string name) => contact.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
