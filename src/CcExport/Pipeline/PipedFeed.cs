using System.Management.Automation;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport.Pipeline;

/// <summary>
/// Objects of any shape on their way into a run. The first one settles which columns there are; a later one that lacks a
/// property is a profile that lacks the value.
/// </summary>
internal sealed class PipedFeed
{
    private const string Place = "pipeline";
    private readonly string[] _columns;
    private readonly Dictionary<Type, RowReader> _readers = [];
    private readonly Action<string> _warn;
    private readonly HashSet<string> _unreadable = new(StringComparer.OrdinalIgnoreCase);
    private Type? _type;
    private RowReader? _reader;

    /// <summary>Finds the map's columns and the key on the first object: <c>ColumnNotFound</c> lists those that exist.</summary>
    public PipedFeed(PSObject first, IReadOnlyDictionary<string, string> map, string? keyProperty, Action<string> warn)
    {
        IReadOnlyList<string> existing = RowReader.NamesOf(first);
        string[] fields = [.. map.Keys];
        IReadOnlyList<string> found = CcEngine.ResolveColumns([.. map.Values], existing, Place);
        Map = fields.Zip(found).ToDictionary(x => x.First, x => x.Second, StringComparer.Ordinal);
        Key = keyProperty is null
            ? CcEngine.KeyCandidates.Select(name => existing.FirstOrDefault(e => e.Equals(name, StringComparison.OrdinalIgnoreCase))).FirstOrDefault(name => name is not null)
            : CcEngine.ResolveColumns([keyProperty], existing, Place)[0];
        _columns = [.. found.Concat(Key is null ? [] : [Key]).Distinct(StringComparer.Ordinal)];
        _warn = warn;
        Rows = new PipedProfiles(_columns);
    }

    /// <summary>What the engine reads.</summary>
    public PipedProfiles Rows { get; }

    /// <summary>The map with columns as the objects spell them.</summary>
    public IReadOnlyDictionary<string, string> Map { get; }

    /// <summary>The key column; null when there is none.</summary>
    public string? Key { get; }

    /// <summary>Takes one object; true when what has gathered must be handed over now.</summary>
    public bool Add(PSObject input)
    {
        object item = input.BaseObject;
        Type type = item.GetType();
        if (type != _type) Learn(item, type);
        Rows.BeginRow();
        _reader!.Read(input, item, Rows);
        return Rows.EndRow();
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
