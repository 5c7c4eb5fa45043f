using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>What moving a store has brought from where to where.</summary>
public sealed class StoreMove
{
    /// <summary>Where it was: a file, or server and database.</summary>
    public required string From { get; init; }
    /// <summary>Where it is.</summary>
    public required string To { get; init; }
    /// <summary>Connections moved.</summary>
    public required long Connections { get; init; }
    /// <summary>Sources moved.</summary>
    public required long Sources { get; init; }
    /// <summary>Exports moved.</summary>
    public required long Exports { get; init; }
    /// <summary>Runs moved, with their batches.</summary>
    public required long Runs { get; init; }
    /// <summary>All rows of all tables.</summary>
    public required long Rows { get; init; }

    internal static StoreMove Of(StoreMoved moved) => new()
    {
        From = moved.From,
        To = moved.To,
        Connections = moved.Rows["Connections"],
        Sources = moved.Rows["Sources"],
        Exports = moved.Rows["Exports"],
        Runs = moved.Rows["Runs"],
        Rows = moved.Rows.Values.Sum(),
    };
}
