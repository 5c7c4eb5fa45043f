using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport.Pipeline;

/// <summary>
/// Objects of any shape on their way into a run. The first one settles which columns there are; a later one that lacks a
/// property is a profile that lacks the value. Script blocks have columns of their own, after those of properties.
/// </summary>
internal sealed class PipedFeed
{
    private const string Place = "pipeline";
    private readonly string[] _columns;
    private readonly ScriptValues[] _scripts;
    private readonly int _keyScript;
    private readonly Dictionary<Type, RowReader> _readers = [];
    private readonly Action<string> _warn;
    private readonly HashSet<string> _unreadable = new(StringComparer.OrdinalIgnoreCase);
    private Type? _type;
    private RowReader? _reader;
    private long _addressKeys;

    /// <summary>Finds the map's columns and the others on the first object: <c>ColumnNotFound</c> lists those that exist.</summary>
    public PipedFeed(PSObject first, IReadOnlyDictionary<string, Feed> map, Feed? key, Feed? newest, Action<string> warn)
    {
        IReadOnlyList<string> existing = RowReader.NamesOf(first);
        var scripts = new List<(string Name, ScriptValues Values)>();
        string Find(Feed feed, string what)
        {
            if (feed.Script is not { } script) return CcEngine.ResolveColumns([feed.Name], existing, Place)[0];
            string name = feed.Name;
            while (existing.Contains(name, StringComparer.OrdinalIgnoreCase) || scripts.Any(s => s.Name == name)) name += "}";
            scripts.Add((name, new ScriptValues(what, script)));
            return name;
        }
        Map = map.ToDictionary(m => m.Key, m => Find(m.Value, $"'{m.Key}'"), StringComparer.Ordinal);
        Key = key is { } k ? Find(k, "-KeyProperty")
            : CcEngine.KeyCandidates.Select(name => existing.FirstOrDefault(e => e.Equals(name, StringComparison.OrdinalIgnoreCase))).FirstOrDefault(name => name is not null);
        Newest = newest is { } n ? Find(n, "-PreferNewest") : null;
        string[] named = [.. scripts.Select(s => s.Name)];
        _columns = [.. Map.Values.Append(Key).Append(Newest).OfType<string>().Except(named).Distinct(StringComparer.Ordinal)];
        _scripts = [.. scripts.Select(s => s.Values)];
        _keyScript = key?.Script is null ? -1 : Array.IndexOf(named, Key);
        _warn = warn;
        Rows = new PipedProfiles([.. _columns, .. named]);
    }

    /// <summary>What the engine reads.</summary>
    public PipedProfiles Rows { get; }

    /// <summary>The map with columns as the objects spell them.</summary>
    public IReadOnlyDictionary<string, string> Map { get; }

    /// <summary>The key column; null when there is none.</summary>
    public string? Key { get; }

    /// <summary>The column whose newest value wins; null when the first object does.</summary>
    public string? Newest { get; }

    /// <summary>Takes one object; true when what has gathered must be handed over now.</summary>
    public bool Add(PSObject input)
    {
        object item = input.BaseObject;
        Type type = item.GetType();
        if (type != _type) Learn(item, type);
        Rows.BeginRow();
        _reader!.Read(input, item, Rows);
        for (int i = 0; i < _scripts.Length; i++)
        {
            string? value = _scripts[i].Of(input);
            if (i == _keyScript && value?.Contains('@', StringComparison.Ordinal) == true)
            {
                // Rejections are joined by the key, and never hold an address.
                _addressKeys++;
                value = null;
            }
            Rows.Add(_columns.Length + i, value);
        }
        return Rows.EndRow();
    }

    /// <summary>Says what went wrong with script blocks, once each.</summary>
    public void Report()
    {
        foreach (ScriptValues script in _scripts) script.Report(_warn);
        if (_addressKeys > 0) _warn($"The script block for -KeyProperty gave something with an @ for {_addressKeys:N0} objects; they have no key, since a rejection never holds an address.");
        _addressKeys = 0;
    }

    private void Learn(object item, Type type)
    {
        if (!_readers.TryGetValue(type, out RowReader? reader)) _readers[type] = reader = RowReader.For(item, _columns, Unreadable);
        (_type, _reader) = (type, reader);
    }

    private void Unreadable(string property)
    {
        if (_unreadable.Add(property)) _warn($"The property '{property}' of a piped object cannot be read; it counts as a missing value. This is said once.");
    }
}
