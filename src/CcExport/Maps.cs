using System.Collections;
using System.Management.Automation;
using CcExport.Engine;
using CcExport.Pipeline;

namespace CcExport;

/// <summary>What feeds a field: a column of the profiles or, for piped objects, a script block.</summary>
/// <param name="Name">The column; of a script block the name that its values go under.</param>
/// <param name="Script">Null for a column.</param>
internal readonly record struct Feed(string Name, ScriptBlock? Script)
{
    /// <summary>What a parameter was given; null when it was given nothing.</summary>
    /// <param name="what">The name under which values of a script block go.</param>
    public static Feed? From(object? value, string what)
    {
        if (value is PSObject wrapped) value = wrapped.BaseObject;
        if (value is ScriptBlock script) return new Feed($"{{{what}}}", script);
        return ValueText.Of(value) is { } name && !string.IsNullOrWhiteSpace(name) ? new Feed(name, null) : null;
    }
}

/// <summary>Turns a <c>-Map</c> and other parameters that name columns into what the engine takes.</summary>
internal static class Maps
{
    /// <summary>Contact field to profile column, in the order given; checked by the engine. <c>MapScriptBlock</c>.</summary>
    public static IReadOnlyDictionary<string, string> From(IDictionary map)
    {
        IReadOnlyDictionary<string, Feed> feeds = Feeds(map);
        foreach ((string field, Feed feed) in feeds)
        {
            if (feed.Script is not null) throw NotPiped("MapScriptBlock", $"The map gives a script block for '{field}'");
        }
        return feeds.ToDictionary(f => f.Key, f => f.Value.Name, StringComparer.Ordinal);
    }

    /// <summary>The same for piped objects: contact field to property, or to a script block that each object is given to.</summary>
    public static IReadOnlyDictionary<string, Feed> Feeds(IDictionary map)
    {
        var feeds = new Dictionary<string, Feed>(map.Count, StringComparer.Ordinal);
        foreach (DictionaryEntry entry in map)
        {
            string field = ValueText.Of(entry.Key)!;
            feeds[field] = Feed.From(entry.Value, field) ?? throw new CcException("MapColumnEmpty", CcErrorKind.InvalidArgument, $"The map names no column for '{field}'.",
                "Name the profile column that feeds it, or leave the field out of the map.")
            { Subject = field };
        }
        CcEngine.CheckMap(feeds.ToDictionary(f => f.Key, f => f.Value.Name, StringComparer.Ordinal));
        return feeds;
    }

    /// <summary>The column that a parameter names; null when it names none. <c>ScriptBlockNotPiped</c>.</summary>
    public static string? Column(object? value, string parameter)
        => Feed.From(value, parameter) is not { } feed ? null
            : feed.Script is null ? feed.Name : throw NotPiped("ScriptBlockNotPiped", $"-{parameter} is a script block");

    private static CcException NotPiped(string id, string what) => new(id, CcErrorKind.InvalidArgument, $"{what}, and a script block needs piped objects to work on.",
        "Name a column, or pipe the objects in: Import-Csv ./customers.csv | Invoke-CcExport …");
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
