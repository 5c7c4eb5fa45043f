using System.Text;
using System.Text.Json;
using CcExport.Simulator.Entra;
using CcExport.Simulator.Faults;
using CcExport.Simulator.Insights;
using CcExport.Simulator.Jobs;
using CcExport.Simulator.Limits;
using CcExport.Simulator.SignIn;
using CcExport.Simulator.State;

namespace CcExport.Simulator;

/// <summary>The simulated service from the inside, for tests: everything it holds and every switch. Safe to use from any thread.</summary>
public sealed partial class Simulation
{
    private SimulatorSwitches _switches;

    internal Simulation(SimulatorOptions options, TimeProvider time)
    {
        Options = options;
        _switches = options.Switches with { };
        Clock = new SimulationClock(time);
        Ids = new IdSource(options.Seed);
        Account = new Account(Ids);
        Jobs = new JobQueue(Account);
        Rates = new RateGate(Clock);
        CallLog = new CallLog(Clock);
        Tokens = new TokenService(Ids, Clock, () => _switches);
        // Its ids come from a source of their own: those of the account stay what they were.
        Entra = new EntraAuthority(new IdSource(options.Seed ^ 0x0E27A), Clock);
        Insights = new InsightsEstate(options.Seed, Clock, new TokenCheck(Entra)) { Profiles = options.Profiles };
        DateTimeOffset now = Clock.Now;
        Account.AddList("Newsletter", "Everyone who reads us", now);
        Account.AddList("Customers", null, now);
        Account.Fields.AddCustom(Ids.Guid(), "Loyalty tier", "string", now);
        Account.Fields.AddCustom(Ids.Guid(), "Customer ID", "string", now);
        Account.Fields.AddCustom(Ids.Guid(), "Last purchase", "date", now);
    }

    internal Lock Gate { get; } = new();

    internal SimulatorOptions Options { get; }

    internal SimulationClock Clock { get; }

    internal IdSource Ids { get; }

    internal Account Account { get; }

    internal JobQueue Jobs { get; }

    internal RateGate Rates { get; }

    internal CallLog CallLog { get; }

    internal TokenService Tokens { get; }

    /// <summary>The organisation whose people and applications read segments.</summary>
    public EntraAuthority Entra { get; }

    internal FaultBook FaultBook { get; } = new();

    /// <summary>Told when a job was added or a switch changed: the host sets its timer anew.</summary>
    internal event Action? Changed;

    /// <summary>The simulated Customer Insights - Data behind Dataverse and its own API.</summary>
    public InsightsEstate Insights { get; }

    /// <summary>The simulation's time.</summary>
    public DateTimeOffset Now => Clock.Now;

    /// <summary>The switches in force. Use <see cref="Set"/> to change them.</summary>
    public SimulatorSwitches Switches => Volatile.Read(ref _switches);

    /// <summary>How the sign-in endpoints were used.</summary>
    public TokenLog TokenLog => Tokens.Log;

    /// <summary>Changes switches.</summary>
    public void Set(Action<SimulatorSwitches> change)
    {
        lock (Gate)
        {
            SimulatorSwitches next = _switches with { };
            change(next);
            Replace(next);
        }
    }

    /// <summary>Moves the simulation's clock on, on top of the clock it was given.</summary>
    public void Advance(TimeSpan span)
    {
        Clock.Add(span);
        lock (Gate) AdvanceJobs();
        Changed?.Invoke();
    }

    /// <summary>Puts a fault in force.</summary>
    public void AddFault(FaultRule rule)
    {
        lock (Gate) FaultBook.Add(rule);
    }

    /// <summary>Ends all faults.</summary>
    public void ClearFaults()
    {
        lock (Gate) FaultBook.Clear();
    }

    /// <summary>Gives the next jobs ends of their own, in order.</summary>
    public void PlanJobs(params JobOutcome[] outcomes)
    {
        lock (Gate) Jobs.PlanOutcomes(outcomes);
    }

    /// <summary>Gives the next imports ends of their own, in order; other jobs end as always. <see cref="PlanJobs"/> has the first word.</summary>
    public void PlanImports(params JobOutcome[] outcomes)
    {
        lock (Gate) Jobs.PlanImportOutcomes(outcomes);
    }

    /// <summary>Forgets the ends that were planned and have met no job.</summary>
    public void DropPlannedJobs()
    {
        lock (Gate) Jobs.DropPlanned();
    }

    /// <summary>Ends all access tokens now.</summary>
    public void ExpireAccessTokens()
    {
        lock (Gate) Tokens.ExpireAccessTokens();
    }

    /// <summary>Ends all refresh tokens now.</summary>
    public void RevokeRefreshTokens()
    {
        lock (Gate) Tokens.RevokeRefreshTokens();
    }

    /// <summary>A new consent without any page: a fresh refresh token of its own.</summary>
    public string IssueRefreshToken(string? scope = null)
    {
        lock (Gate) return Tokens.IssueRefreshToken(scope);
    }

    /// <summary>Answers a device that waits; without a code the latest one. False when none waits.</summary>
    public bool AnswerDevice(bool allow, string? userCode = null)
    {
        lock (Gate) return Tokens.AnswerDevice(userCode, allow);
    }

    /// <summary>Makes a list.</summary>
    public ListView AddList(string name)
    {
        lock (Gate) return View(Account.AddList(name, null, Now));
    }

    /// <summary>Makes a custom field; <paramref name="type"/> is <c>string</c> or <c>date</c>, for example. Gives its key for imports.</summary>
    public string AddCustomField(string label, string type = "string")
    {
        lock (Gate) return Account.Fields.AddCustom(Ids.Guid(), label, type, Now).Field.Name;
    }

    /// <summary>Puts a contact into the account, or changes the one with this address.</summary>
    /// <param name="email">A well-formed address.</param>
    /// <param name="permission">implicit, explicit, unsubscribed, pending_confirmation, temp_hold or not_set.</param>
    /// <param name="listIds">Lists to be on.</param>
    /// <param name="fields">Values by the names of the import.</param>
    /// <param name="deleted">Whether it was deleted.</param>
    public ContactView AddContact(
        string email, string permission = "implicit", IEnumerable<string>? listIds = null,
        IReadOnlyDictionary<string, string>? fields = null, bool deleted = false)
    {
        byte[] address = Encoding.UTF8.GetBytes(email);
        if (!Values.IsEmail(address, 254)) throw new ArgumentException("Not a well-formed address.", nameof(email));
        if (!Account.TryPermission(permission, out Permission known))
            throw new ArgumentException($"Unknown permission '{permission}'.", nameof(permission));
        lock (Gate)
        {
            byte[] stored = Account.Fields.Store(fields ?? new Dictionary<string, string>());
            MembershipAct act = Act(MembershipCause.Product);
            List<ContactList> lists = [.. (listIds ?? []).Select(id =>
                Account.List(id) ?? throw new ArgumentException($"No list '{id}'.", nameof(listIds)))];
            int hash = ContactStore.HashOf(address);
            int index = Account.Contacts.Find(address, hash);
            if (index < 0) index = Account.AddContact(address, hash, stored, known, act.At.UtcTicks);
            else Account.Change(index, stored, act.At);
            Account.Revive(index, act.At);
            Account.SetPermission(index, known, act);
            foreach (ContactList list in lists) Account.Join(index, list, act);
            if (deleted) Account.Delete(index, act);
            return View(index);
        }
    }

    /// <summary>All lists, deleted ones included.</summary>
    public IReadOnlyList<ListView> Lists()
    {
        lock (Gate)
        {
            AdvanceJobs();
            return [.. Account.Lists.Select(View)];
        }
    }

    /// <summary>The contacts on a list, or all of the account; without the deleted ones. Makes an object for each.</summary>
    public IReadOnlyList<ContactView> Contacts(string? listId = null)
    {
        lock (Gate)
        {
            AdvanceJobs();
            ContactList? list = listId is null ? null : Account.List(listId) ?? throw new ArgumentException($"No list '{listId}'.", nameof(listId));
            var contacts = new List<ContactView>();
            for (int index = 0; index < Account.Contacts.Count; index++)
            {
                if (Account.Contacts[index].Deleted) continue;
                if (list is null || Account.Sets.Contains(Account.Contacts[index].Lists, list.Number)) contacts.Add(View(index));
            }

            return contacts;
        }
    }

    /// <summary>The contact with this address, deleted or not.</summary>
    public ContactView? Contact(string email)
    {
        lock (Gate)
        {
            AdvanceJobs();
            int index = Account.Contacts.Find(Encoding.UTF8.GetBytes(email));
            return index < 0 ? null : View(index);
        }
    }

    /// <summary>All activities, the oldest first.</summary>
    public IReadOnlyList<ActivityView> Activities()
    {
        lock (Gate)
        {
            AdvanceJobs();
            return [.. Jobs.All.Select(j => new ActivityView(
                j.Id, j.Kind, Job.StateText(j.State), j.Rows, j.CreatedAt, j.CompletedAt, j.Persons, j.Errors, j.Correctable, j.CannotAdd,
                [.. j.Messages], j.ItemsCompleted))];
        }
    }

    /// <summary>The addresses that an import carried, in the order of its rows and bad ones included. Needs <see cref="SimulatorSwitches.KeepImports"/>.</summary>
    public IReadOnlyList<string> ImportedAddresses(string activityId)
    {
        byte[]? body;
        lock (Gate) body = (Jobs.All.FirstOrDefault(j => j.Id == activityId) as ImportJob)?.Body;
        if (body is null) throw new ArgumentException($"No import '{activityId}' was kept.", nameof(activityId));
        using JsonDocument document = JsonDocument.Parse(body);
        return [.. document.RootElement.GetProperty("import_data").EnumerateArray().Select(row => row.GetProperty("email").GetString() ?? "")];
    }

    /// <summary>The latest calls, the oldest first.</summary>
    public IReadOnlyList<CallRecord> Calls()
    {
        lock (Gate) return [.. CallLog.Latest];
    }

    /// <summary>Calls in numbers.</summary>
    public CallStatistics Statistics()
    {
        lock (Gate)
        {
            return new CallStatistics(CallLog.Total, Rates.Today, Switches.CallsPerDay, CallLog.MaxInAnySecond, CallLog.Refused,
                new SortedDictionary<string, int>(CallLog.ByRoute.ToDictionary(), StringComparer.Ordinal));
        }
    }

    /// <summary>Sets the calls that count for today.</summary>
    public void SetCallsToday(int calls)
    {
        lock (Gate) Rates.SetToday(calls);
    }

    /// <summary>Refuses the next calls as too many, whatever the limits say.</summary>
    public void ThrottleNext(int calls)
    {
        lock (Gate) Rates.ThrottleNext(calls);
    }

    /// <summary>Gives an unfinished job an end; a running or stuck one has it at once. False when there is none with this id.</summary>
    public bool EndJob(string id, JobOutcome outcome)
    {
        lock (Gate)
        {
            AdvanceJobs();
            if (Jobs.Find(id, Now) is not { IsTerminal: false } job) return false;
            Jobs.Force(job, outcome, Now);
            AdvanceJobs();
        }

        Changed?.Invoke();
        return true;
    }

    internal void Replace(SimulatorSwitches next)
    {
        lock (Gate)
        {
            AdvanceJobs();
            Volatile.Write(ref _switches, next);
        }

        Changed?.Invoke();
    }

    internal void AdvanceJobs() => Jobs.Advance(_switches, Clock.Now);

    internal void Notify() => Changed?.Invoke();

    internal ContactView View(int index)
    {
        ContactRow row = Account.Contacts[index];
        var fields = new SortedDictionary<string, string>(StringComparer.Ordinal);
        FieldCursor cursor = Account.Contacts.Fields(index);
        while (cursor.Next())
        {
            if (!cursor.Value.IsEmpty) fields[Account.Fields.ById(cursor.Id).Name] = Encoding.UTF8.GetString(cursor.Value);
        }

        List<string> lists = [];
        foreach (int number in Account.Sets.Lists(row.Lists)) lists.Add(Account.Lists[number].Id);
        return new ContactView(Ids.ContactId(index).ToString(), Account.EmailText(index), Account.PermissionText(row.Permission), row.Deleted,
            fields, lists, new DateTimeOffset(row.CreatedTicks, TimeSpan.Zero), new DateTimeOffset(row.UpdatedTicks, TimeSpan.Zero));
    }

    private static ListView View(ContactList list) => new(list.Id, list.Name, list.Members, list.ActiveMembers, list.DeletedAt);
}
