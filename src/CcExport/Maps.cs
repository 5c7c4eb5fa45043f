using System.Collections;
using System.Management.Automation;
using CcExport.Engine;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>Turns a <c>-Map</c> into what the engine takes.</summary>
internal static class Maps
{
    /// <summary>Contact field to profile column, in the order given; checked by the engine.</summary>
    public static IReadOnlyDictionary<string, string> From(IDictionary map)
    {
        var checkedMap = new Dictionary<string, string>(map.Count, StringComparer.Ordinal);
        foreach (DictionaryEntry entry in map)
        {
            string field = ValueText.Of(entry.Key)!;
            string? column = ValueText.Of(entry.Value);
            if (string.IsNullOrWhiteSpace(column))
            {
                throw new CcException("MapColumnEmpty", CcErrorKind.InvalidArgument, $"The map names no column for '{field}'.",
                    "Name the profile column that feeds it, or leave the field out of the map.")
                { Subject = field };
            }
            checkedMap[field] = column;
        }
        CcEngine.CheckMap(checkedMap);
        return checkedMap;
    }
}

/// <summary>Which of several named things are asked for.</summary>
internal static class Names
{
    /// <summary>
    /// Writes those that a name or a pattern matches, all when none is given, each once. A name without a match is one error;
    /// a pattern without a match is none.
    /// </summary>
    public static void Write<T>(Cmdlet cmdlet, IReadOnlyList<T> items, string[]? names, Func<T, string> nameOf, Func<string, ErrorRecord> notFound)
    {
        if (names is null or [])
        {
            foreach (T item in items) cmdlet.WriteObject(item);
            return;
        }
        var written = new HashSet<T>();
        foreach (string name in names)
        {
            bool any = false;
            WildcardPattern pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
            foreach (T item in items)
            {
                if (!nameOf(item).Equals(name, StringComparison.OrdinalIgnoreCase) && !pattern.IsMatch(nameOf(item))) continue;
                any = true;
                if (written.Add(item)) cmdlet.WriteObject(item);
            }
            if (!any && !WildcardPattern.ContainsWildcardCharacters(name)) cmdlet.WriteError(notFound(name));
        }
    }
}
