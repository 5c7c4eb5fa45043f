using System.Collections;
using System.Data;
using System.Management.Automation;
using System.Reflection;
using CcExport.Engine;
using CcExport.Engine.Profiles;

namespace CcExport.Pipeline;

/// <summary>
/// Takes the values of the asked columns out of one kind of object. A million objects pass here: nothing is enumerated,
/// nothing is allocated for each of them, and text that is text already is passed on as it is.
/// </summary>
internal abstract class RowReader
{
    public abstract void Read(PSObject input, object item, PipedProfiles rows);

    /// <summary>The names that an object has, for settling the columns on the first one.</summary>
    public static IReadOnlyList<string> NamesOf(PSObject input) => input.BaseObject switch
    {
        IDictionary items => [.. items.Keys.Cast<object>().Select(key => key as string ?? ValueText.Of(key) ?? "")],
        IDictionary<string, object?> items => [.. items.Keys],
        DataRow row => [.. row.Table.Columns.Cast<DataColumn>().Select(column => column.ColumnName)],
        DataRowView view => [.. view.Row.Table.Columns.Cast<DataColumn>().Select(column => column.ColumnName)],
        IDataRecord record => [.. Enumerable.Range(0, record.FieldCount).Select(record.GetName)],
        _ => [.. input.Properties.Select(property => property.Name)],
    };

    /// <summary>The reader for objects of this kind.</summary>
    /// <param name="unreadable">Told the name of a property that cannot be read.</param>
    public static RowReader For(object item, string[] columns, Action<string> unreadable) => item switch
    {
        PSCustomObject => new PropertyReader(columns, unreadable),
        IDictionary => new DictionaryReader(columns),
        IDictionary<string, object?> => new NamedValuesReader(columns),
        DataRow or DataRowView => new DataRowReader(columns),
        Profile => new ProfileReader(columns, ProfileTypes.Of(item.GetType())!.Columns, unreadable),
        IDataRecord => new DataRecordReader(columns),
        _ => TypedReader.For(item.GetType(), columns, unreadable),
    };
}

/// <summary>Objects whose properties PowerShell keeps: rows of Import-Csv, and what other objects have been given.</summary>
internal class PropertyReader(string[] columns, Action<string> unreadable) : RowReader
{
    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        // One look by name costs a third of finding the property once and keeping its place: members belong to one object.
        PSMemberInfoCollection<PSPropertyInfo> properties = input.Properties;
        for (int i = 0; i < columns.Length; i++)
        {
            PSPropertyInfo? property = properties[columns[i]];
            rows.Add(i, property is null ? null : Value(property));
        }
    }

    /// <summary>A property that throws is a missing value, told once: its own words may hold a person's data.</summary>
    protected string? Value(Func<object, string?> getter, object item, string name)
    {
        try
        {
            return getter(item);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or PipelineStoppedException))
        {
            unreadable(name);
            return null;
        }
    }

    protected string? Value(PSPropertyInfo property)
    {
        try
        {
            object? value = property.Value;
            return value as string ?? ValueText.Of(value);
        }
        catch (GetValueException)
        {
            unreadable(property.Name);
            return null;
        }
    }
}

/// <summary>Profiles of Get-CcProfile: what the engine has read goes back to it as it is. Members that a person added are PowerShell's.</summary>
internal sealed class ProfileReader(string[] columns, IReadOnlyList<string> existing, Action<string> unreadable) : PropertyReader(columns, unreadable)
{
    private readonly string[] _columns = columns;
    private readonly int[] _positions = [.. columns.Select(column => IndexOf(existing, column))];

    private static int IndexOf(IReadOnlyList<string> existing, string column)
    {
        for (int i = 0; i < existing.Count; i++)
        {
            if (existing[i].Equals(column, StringComparison.OrdinalIgnoreCase)) return i;
        }
        return -1;
    }

    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        byte[] row = ((Profile)item).Row;
        for (int i = 0; i < _positions.Length; i++)
        {
            if (_positions[i] < 0)
            {
                rows.Add(i, input.Properties[_columns[i]] is { } property ? Value(property) : null);
                continue;
            }
            ReadOnlySpan<byte> value = ProfilePage.Utf8(row, _positions[i], out bool missing);
            if (!missing) rows.AddUtf8(i, value);
        }
    }
}

/// <summary>Hashtables, ordered dictionaries, and the like.</summary>
internal sealed class DictionaryReader(string[] columns) : RowReader
{
    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        var values = (IDictionary)item;
        for (int i = 0; i < columns.Length; i++)
        {
            object? value = values[columns[i]];
            rows.Add(i, value as string ?? ValueText.Of(value));
        }
    }
}

/// <summary>Dictionaries of names that are no <see cref="IDictionary"/>.</summary>
internal sealed class NamedValuesReader(string[] columns) : RowReader
{
    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        var values = (IDictionary<string, object?>)item;
        for (int i = 0; i < columns.Length; i++)
        {
            values.TryGetValue(columns[i], out object? value);
            rows.Add(i, value as string ?? ValueText.Of(value));
        }
    }
}

/// <summary>Rows of a database query. Positions are kept for one table.</summary>
internal sealed class DataRowReader(string[] columns) : RowReader
{
    private readonly int[] _positions = new int[columns.Length];
    private DataTable? _table;

    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        DataRow row = item as DataRow ?? ((DataRowView)item).Row;
        if (row.Table != _table)
        {
            _table = row.Table;
            for (int i = 0; i < columns.Length; i++) _positions[i] = _table.Columns.IndexOf(columns[i]);
        }
        for (int i = 0; i < columns.Length; i++)
        {
            // A deleted row has no values any more.
            object? value = _positions[i] < 0 || row.RowState == DataRowState.Deleted ? null : row[_positions[i]];
            rows.Add(i, value as string ?? ValueText.Of(value));
        }
    }
}

/// <summary>Rows of an open query, as the reader itself or as the records that it is enumerated by. Positions are kept as long as the names stand there.</summary>
internal sealed class DataRecordReader(string[] columns) : RowReader
{
    private readonly int[] _positions = new int[columns.Length];
    private readonly bool[] _texts = new bool[columns.Length];
    private bool _learnt;

    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        var record = (IDataRecord)item;
        if (!_learnt || !Fits(record)) Learn(record);
        for (int i = 0; i < columns.Length; i++)
        {
            int at = _positions[i];
            if (at < 0 || record.IsDBNull(at))
            {
                rows.Add(i, null);
                continue;
            }
            rows.Add(i, _texts[i] ? record.GetString(at) : ValueText.Of(record.GetValue(at)));
        }
    }

    private bool Fits(IDataRecord record)
    {
        for (int i = 0; i < columns.Length; i++)
        {
            if (_positions[i] >= 0 && (_positions[i] >= record.FieldCount || record.GetName(_positions[i]) != columns[i])) return false;
        }
        return true;
    }

    private void Learn(IDataRecord record)
    {
        _learnt = true;
        for (int i = 0; i < columns.Length; i++)
        {
            int at = Enumerable.Range(0, record.FieldCount).FirstOrDefault(n => record.GetName(n).Equals(columns[i], StringComparison.OrdinalIgnoreCase), -1);
            (_positions[i], _texts[i]) = (at, at >= 0 && record.GetFieldType(at) == typeof(string));
        }
    }
}

/// <summary>
/// Objects of any other .NET type: a property of the type is read by a delegate made once, the rest (script properties,
/// adapted and added members) as PowerShell sees it.
/// </summary>
internal sealed class TypedReader : PropertyReader
{
    private readonly string[] _columns;
    private readonly Func<object, string?>?[] _getters;

    private TypedReader(string[] columns, Func<object, string?>?[] getters, Action<string> unreadable) : base(columns, unreadable)
        => (_columns, _getters) = (columns, getters);

    public static RowReader For(Type type, string[] columns, Action<string> unreadable)
    {
        // PowerShell adapts these: what it shows as a property is a node, a column or an instance's value, not the type's property.
        for (Type? t = type; t is not null; t = t.BaseType)
        {
            if (t.FullName is "System.Xml.XmlNode" or "System.Management.ManagementBaseObject"
                or "Microsoft.Management.Infrastructure.CimInstance" or "System.DirectoryServices.DirectoryEntry")
                return new PropertyReader(columns, unreadable);
        }
        if (type.IsValueType || type.IsCOMObject) return new PropertyReader(columns, unreadable);
        return new TypedReader(columns, [.. columns.Select(column => Getter(type, column))], unreadable);
    }

    public override void Read(PSObject input, object item, PipedProfiles rows)
    {
        for (int i = 0; i < _columns.Length; i++)
        {
            if (_getters[i] is { } getter) rows.Add(i, Value(getter, item, _columns[i]));
            else rows.Add(i, input.Properties[_columns[i]] is { } property ? Value(property) : null);
        }
    }

    private static Func<object, string?>? Getter(Type type, string name)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance;
        PropertyInfo[] named = [.. type.GetProperties(Flags).Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        PropertyInfo? property = named is [var only] ? only : named.FirstOrDefault(p => p.Name == name && p.DeclaringType == type);
        if (property?.GetGetMethod() is not { } getter || property.GetIndexParameters().Length > 0 || property.PropertyType.IsByRefLike) return null;
        MethodInfo maker = typeof(TypedReader).GetMethod(nameof(Make), BindingFlags.NonPublic | BindingFlags.Static)!;
        return (Func<object, string?>)maker.MakeGenericMethod(getter.DeclaringType!, property.PropertyType).Invoke(null, [getter])!;
    }

    private static Func<object, string?> Make<TObject, TValue>(MethodInfo getter) where TObject : class
    {
        if (typeof(TValue) == typeof(string))
        {
            var text = getter.CreateDelegate<Func<TObject, string?>>();
            return item => text((TObject)item);
        }
        var value = getter.CreateDelegate<Func<TObject, TValue>>();
        return item => ValueText.Of(value((TObject)item));
    }
}
