using System.Data;
using Dapper;

namespace CcExport.Engine.Store.Sqlite;

/// <summary>
/// The values of a statement by their names. From an anonymous object Dapper would compile a method for each statement, and try each of its members as a
/// regular expression: a run has some fifty statements, and that was a second of its processor time.
/// </summary>
internal sealed class Parameters : SqlMapper.IDynamicParameters
{
    private readonly List<(string Name, object? Value)> _values = new(8);

    /// <summary>Text, numbers, bytes, truth or null.</summary>
    public object? this[string name]
    {
        set => _values.Add((name, value));
    }

    /// <summary>With the others' as well. They stay as they are: a piece of work may run twice.</summary>
    public Parameters And(Parameters others)
    {
        _values.AddRange(others._values);
        return this;
    }

    void SqlMapper.IDynamicParameters.AddParameters(IDbCommand command, SqlMapper.Identity identity)
    {
        foreach ((string name, object? value) in _values)
        {
            IDbDataParameter parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
            command.Parameters.Add(parameter);
        }
    }
}
