using CcExport.Engine;

namespace CcExport;

/// <summary>
/// A customer profile. Its columns are properties of a type that is made for each set of columns (<see cref="Pipeline.ProfileTypes"/>); a value becomes text when
/// it is looked at.
/// </summary>
public abstract class Profile
{
    private byte[] _row;

    /// <summary>Made from what the engine has read.</summary>
    protected Profile(byte[] row) => _row = row;

    /// <summary>The packed values.</summary>
    internal byte[] Row => _row;

    /// <summary>A value; null where the source has none.</summary>
    protected string? Value(int column) => ProfilePage.Text(_row, column);

    /// <summary>Sets a value.</summary>
    protected void Set(int column, string? value) => _row = ProfilePage.With(_row, column, value);
}
