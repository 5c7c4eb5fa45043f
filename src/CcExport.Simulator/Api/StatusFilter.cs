using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>The states by which calls choose contacts. Worked out once, as it is asked for each of a million.</summary>
internal sealed class StatusFilter
{
    public static readonly string[] Known =
        ["all", "active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"];

    private readonly bool _deleted;
    private readonly bool[] _permissions = new bool[Enum.GetValues<Permission>().Length];

    /// <summary>Without a state: everybody who is not deleted.</summary>
    public StatusFilter(IReadOnlyCollection<string> statuses)
    {
        bool all = statuses.Contains("all");
        _deleted = all || statuses.Contains("deleted");
        foreach (Permission permission in Enum.GetValues<Permission>())
        {
            bool active = permission is Permission.Implicit or Permission.Explicit;
            _permissions[(int)permission] = all || statuses.Count == 0 || (active && statuses.Contains("active"))
                || (!active && statuses.Contains(Account.PermissionText(permission)));
        }
    }

    public bool Has(in ContactRow row) => row.Deleted ? _deleted : _permissions[(int)row.Permission];
}
