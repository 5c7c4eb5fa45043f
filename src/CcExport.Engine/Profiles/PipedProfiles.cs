namespace CcExport.Engine.Profiles;

/// <summary>Profiles that arrive one object at a time, from a pipeline.</summary>
public sealed class PipedProfiles(IReadOnlyList<string> columns)
{
    /// <summary>The columns, in the order of <see cref="Add(int, string?)"/>.</summary>
    public IReadOnlyList<string> ColumnNames { get; } = columns;
    /// <summary>Begins a profile.</summary>
    public void BeginRow() => throw new NotSupportedException();
    /// <summary>Gives a value; null: not there.</summary>
    public void Add(int column, string? value) => throw new NotSupportedException($"{column}{value}");
    /// <summary>Ends a profile; true when what has gathered must be handed over now.</summary>
    public bool EndRow() => throw new NotSupportedException();
    /// <summary>Hands over what has gathered; waits while the run has enough to do.</summary>
    public ValueTask HandOverAsync(CancellationToken ct) => throw new NotSupportedException($"{ct}");
    /// <summary>No more will come; with an error, the run must not go on.</summary>
    public void Complete(Exception? error = null) => throw new NotSupportedException($"{error}");
}
