#Requires -Version 7.4
<#
.SYNOPSIS
    Builds, tests, demonstrates, measures, breaks and packs CcExport.
.DESCRIPTION
    The module is staged to out/CcExport and used from there by tests, demo and benchmarks, as users would have it.
.PARAMETER Task
    build (default), test, demo, bench, history, soak, chaos, fleet, model, pack or clean. history times Get-CcExport and Get-CcRun over 100,000 runs. fleet has runner processes share the due exports of many accounts on a PostgreSQL
    server of its own, while one after the other is killed: -Exports (500), -Profiles (500), -Keys (20), -Runners (8), -KillEvery (3; seconds), -Seed. model plays random histories of an account against a model
    of what its lists must be: -Runs (10,000), -Seed, -Parallel, and -Index for one history again. chaos kills runs at every step and judges them by what the service holds:
    -Runs, -Seed, -Parallel, -Profiles, -Batch, and -Index for one run again; or "pwsh" (the module in PowerShell, a
    million profiles: -Runs, -Seed, -Profiles, -Index), "race" or "wake" in their place.
.PARAMETER Filter
    For test: only tests whose names hold this text.
.PARAMETER Only
    For test: one runner alone, without the checks of format and packages.
.PARAMETER NoBuild
    Uses what is staged.
.PARAMETER Rest
    Passed on to demo, bench, history, soak, chaos, fleet and model.
.EXAMPLE
    dotnet pwsh build.ps1 test
.EXAMPLE
    dotnet pwsh build.ps1 test -Only pester -Filter Isolation
.EXAMPLE
    dotnet pwsh build.ps1 chaos -Runs 500 -Seed 1 -Parallel 6
.EXAMPLE
    dotnet pwsh build.ps1 chaos pwsh -Runs 20 -Seed 1
.EXAMPLE
    dotnet pwsh build.ps1 fleet -Exports 500 -Profiles 500 -Keys 20 -Runners 8 -KillEvery 3 -Seed 1
.EXAMPLE
    dotnet pwsh build.ps1 model -Runs 10000 -Seed 1
#>
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('build', 'test', 'demo', 'bench', 'history', 'soak', 'chaos', 'fleet', 'model', 'pack', 'clean')]
    [string] $Task = 'build',
    [string] $Filter,
    [ValidateSet('xunit', 'pester')]
    [string] $Only,
    [switch] $NoBuild,
    [Parameter(ValueFromRemainingArguments)]
    [string[]] $Rest
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
Set-StrictMode -Version 3

$Out = Join-Path $PSScriptRoot 'out'
$Stage = Join-Path $Out 'CcExport'
$Results = Join-Path $Out 'test-results'
$Hosts = Join-Path $Out 'chaos'

$KeptRuntimes = 'win', 'win-x64', 'win-arm64', 'unix', 'linux-x64', 'linux-arm64', 'linux-musl-x64', 'linux-musl-arm64', 'osx', 'osx-x64', 'osx-arm64'

function Write-Step([string] $Text) { Write-Host "== $Text" -ForegroundColor Cyan }

# The host that runs this script, so that children have the same version.
function Invoke-Shell([string[]] $Arguments) { dotnet pwsh -NoProfile -NonInteractive @Arguments }

function Invoke-Build {
    Write-Step 'restore'
    dotnet restore (Join-Path $PSScriptRoot 'CcExport.sln') --verbosity quiet
    dotnet restore (Join-Path $PSScriptRoot 'tools') --verbosity quiet

    Write-Step 'build'
    dotnet build (Join-Path $PSScriptRoot 'CcExport.sln') --configuration Release --no-restore --nologo --verbosity quiet

    Write-Step "stage to $([IO.Path]::GetRelativePath((Get-Location).ProviderPath, $Stage))"
    if (Test-Path $Stage) { Remove-Item $Stage -Recurse -Force }
    $bin = Join-Path $Stage 'bin'
    $source = Join-Path $PSScriptRoot 'src'
    $publish = '--configuration', 'Release', '--no-build', '--nologo', '--verbosity', 'quiet'
    dotnet publish (Join-Path $source 'CcExport.Engine') @publish --output (Join-Path $bin 'deps')
    dotnet publish (Join-Path $source 'CcExport.Simulator') @publish --output (Join-Path $Stage 'simulator')
    Copy-Item (Join-Path $source 'CcExport/bin/Release/net8.0/CcExport.dll') $bin
    foreach ($name in 'CcExport.psd1', 'CcExport.Format.ps1xml', 'CcExport.Types.ps1xml', 'LICENSE', 'README.md', 'CHANGELOG.md') {
        $file = Join-Path $PSScriptRoot $name
        if (Test-Path $file) { Copy-Item $file $Stage }
    }
    Get-ChildItem $Stage -Recurse -Include '*.pdb', '*.deps.json' |
        Where-Object { $_.Name -ne 'CcExport.Simulator.deps.json' } | Remove-Item
    Get-ChildItem (Join-Path $bin 'deps') -Filter '*.xml' | Remove-Item
    # Native libraries of platforms that PowerShell does not run on are three quarters of the size.
    Get-ChildItem (Join-Path $bin 'deps/runtimes') -Directory -ErrorAction Ignore | Where-Object Name -NotIn $KeptRuntimes | Remove-Item -Recurse

    $deps = Join-Path $bin 'deps'
    Invoke-Precompile $deps (Join-Path $deps 'runtimes/linux-x64/lib/net10.0')
    # The hosts that chaos kills are processes of a second or two each, by the hundred.
    if (Test-Path $Hosts) { Remove-Item $Hosts -Recurse -Force }
    Copy-Item (Join-Path $PSScriptRoot 'tests/CcExport.Chaos/bin/Release/net10.0') $Hosts -Recurse
    Invoke-Precompile $Hosts $Hosts

    Write-Step 'help'
    $help = Join-Path $PSScriptRoot 'tools/New-Help.ps1'
    $documentation = Join-Path $source 'CcExport/bin/Release/net8.0/CcExport.xml'
    Invoke-Shell -Arguments '-File', $help, '-ModulePath', $Stage, '-Documentation', $documentation
}

# Most of a short run's processor time would go into compiling the engine and its packages. Here they are compiled ahead of time, for the
# platform this runs on, beside the portable ones, which every other platform (and an older runtime) takes. The load context chooses.
function Invoke-Precompile([string] $Deps, [string] $Target) {
    $package = Join-Path $PSScriptRoot '.tools/microsoft.netcore.app.crossgen2.linux-x64'
    if (-not (Test-Path $package)) { Write-Host 'Not compiled ahead of time: there is no compiler for this platform.'; return }
    $compiler = (Get-ChildItem $package -Recurse -Filter crossgen2 -File | Select-Object -Last 1).FullName
    chmod +x $compiler
    $framework = Split-Path ([object].Assembly.Location)
    $web = $framework.Replace('Microsoft.NETCore.App', 'Microsoft.AspNetCore.App')
    # Shared by all builds: a package's assembly is compiled once.
    $cache = Join-Path $PSScriptRoot ".tools/precompiled/$([Environment]::Version)"
    $null = New-Item $cache, $Target -ItemType Directory -Force
    foreach ($file in Get-ChildItem $Deps -Filter '*.dll') {
        $compiled = Join-Path $cache "$($file.BaseName).$((Get-FileHash $file).Hash.Substring(0, 16)).dll"
        if (-not (Test-Path $compiled)) {
            # Generic code of the framework for our own types (each asynchronous method is one) belongs to neither side, and would be compiled at run time: 1,500 of the 4,000
            # methods of a short run. Included here, it is used only while the framework's is the same as it was. Only from what every process has loaded.
            $generics = if ($file.BaseName -like 'CcExport.*') {
                '--non-local-generics-module:*'
                'System.Private.CoreLib', 'System.Collections', 'System.Linq', 'System.Text.Json' | ForEach-Object { "--opt-cross-module:$_" }
            }
            & $compiler $file.FullName -r "$framework/*.dll" -r "$web/*.dll" -r "$Deps/*.dll" --targetos linux --targetarch x64 -O @generics -o $compiled | Out-Null
        }
        Copy-Item $compiled (Join-Path $Target $file.Name) -Force
    }
}

# Passed and failed of one result file.
function Read-Trx([string] $Path) {
    $trx = [xml](Get-Content $Path -Raw)
    $counters = $trx.TestRun.ResultSummary.Counters
    $failed = [int] $counters.failed + [int] $counters.error + [int] $counters.timeout + [int] $counters.aborted
    $run = $trx.TestRun.ResultSummary.GetAttribute('outcome')
    if ($failed -eq 0 -and $run -eq 'Failed') { $failed = 1 }   # the host itself crashed
    [pscustomobject]@{ Passed = [int] $counters.passed; Failed = $failed }
}

function Invoke-Xunit {
    foreach ($project in Get-ChildItem (Join-Path $PSScriptRoot 'tests') -Recurse -Filter '*.Tests.csproj' | Sort-Object Name) {
        Write-Step "xunit: $($project.BaseName)"
        $trx = Join-Path $Results "$($project.BaseName).trx"
        $arguments = @('test', $project.FullName, '--configuration', 'Release', '--no-build', '--nologo', '--verbosity', 'quiet',
            '--logger', "trx;LogFileName=$trx", '--logger', 'console;verbosity=minimal')
        if ($Filter) { $arguments += '--filter', "FullyQualifiedName~$Filter" }
        $PSNativeCommandUseErrorActionPreference = $false
        dotnet @arguments | Out-Host
        $code = $LASTEXITCODE
        $PSNativeCommandUseErrorActionPreference = $true
        if (Test-Path $trx) {
            $result = Read-Trx $trx
            if ($code -ne 0 -and $result.Failed -eq 0) { $result.Failed = 1 }
            $result
        }
        elseif ($code -ne 0) { [pscustomobject]@{ Passed = 0; Failed = 1 } }
    }
}

# Each file in a process of its own: a loaded assembly can neither be unloaded nor tested twice. Two at a time, for they wait a lot; the
# largest first, so that none is left running alone for long. What a file says is shown when it is done, in one piece.
function Invoke-PesterFile {
    $runner = Join-Path $PSScriptRoot 'tools/Invoke-PesterFile.ps1'
    $folder, $named, $text = $Results, ($Only -eq 'pester'), $Filter
    Get-ChildItem (Join-Path $PSScriptRoot 'tests/pester') -Filter '*.Tests.ps1' | Sort-Object Length -Descending | ForEach-Object -ThrottleLimit 2 -Parallel {
        $name = if ($using:named -and $using:text -and $_.BaseName -like "*$using:text*") { '' } else { $using:text }
        $counts = Join-Path $using:folder "$($_.BaseName).json"
        $said = dotnet pwsh -NoProfile -NonInteractive -File $using:runner -Path $_.FullName -Result $counts @(if ($name) { '-Filter', $name }) 2>&1
        [pscustomobject]@{ Name = $_.BaseName; Said = $said; Counts = $counts }
    } | ForEach-Object {
        Write-Step "Pester: $($_.Name)"
        $_.Said | Out-Host
        if (Test-Path $_.Counts) { Get-Content $_.Counts -Raw | ConvertFrom-Json } else { [pscustomobject]@{ Passed = 0; Failed = 1 } }
    }
}

function Invoke-Check {
    Write-Step 'format'
    $PSNativeCommandUseErrorActionPreference = $false
    dotnet format (Join-Path $PSScriptRoot 'CcExport.sln') --verify-no-changes --no-restore --verbosity quiet | Out-Host
    $formatted = $LASTEXITCODE -eq 0
    [pscustomobject]@{ Passed = [int] $formatted; Failed = [int] (-not $formatted) }

    Write-Step 'vulnerable packages'
    $answer = dotnet list (Join-Path $PSScriptRoot 'CcExport.sln') package --vulnerable --include-transitive --format json | Out-String
    $listed = $LASTEXITCODE -eq 0
    $PSNativeCommandUseErrorActionPreference = $true
    $vulnerable = @()
    if ($listed) {
        $projects = ($answer | ConvertFrom-Json -AsHashtable)['projects']
        $vulnerable = @($projects | ForEach-Object { $_['frameworks'] } | Where-Object { $_ } |
                ForEach-Object { $_['topLevelPackages']; $_['transitivePackages'] } | Where-Object { $_ } | ForEach-Object { $_['id'] } | Sort-Object -Unique)
    }
    else { Write-Host $answer }
    if ($vulnerable) { Write-Host "Vulnerable: $($vulnerable -join ', ')" -ForegroundColor Red }
    $clean = $listed -and -not $vulnerable
    [pscustomobject]@{ Passed = [int] $clean; Failed = [int] (-not $clean) }
}

function Invoke-Test {
    if (Test-Path $Results) { Remove-Item $Results -Recurse -Force }
    $null = New-Item $Results -ItemType Directory
    . (Join-Path $PSScriptRoot 'tools/PostgreSql.ps1')
    $postgres = Start-PostgreSql
    if ($postgres) { $env:CCEXPORT_TEST_POSTGRES = $postgres.ConnectionString } else { Write-Host 'Without PostgreSQL (initdb, pg_ctl): the tests that need it are skipped.' }
    try {
        $all = @(
            if ($Only -ne 'pester') { Invoke-Xunit }
            if ($Only -ne 'xunit') { Invoke-PesterFile }
            if (-not $Only -and -not $Filter) { Invoke-Check }
        )
    }
    finally { if ($postgres) { Stop-PostgreSql $postgres } }
    $passed = [int] ($all | Measure-Object Passed -Sum).Sum
    $failed = [int] ($all | Measure-Object Failed -Sum).Sum
    [Console]::Out.WriteLine("$passed passed, $failed failed")
    if ($failed -gt 0 -or $passed -eq 0) { exit 1 }
}

function Invoke-Chaos {
    $arguments = @($Rest | Where-Object { $_ })
    if (-not $arguments -or $arguments[0] -like '-*') { $arguments = @('run') + $arguments }
    $env:CCEXPORT_CHAOS_PWSH = Join-Path $PSHOME 'pwsh.dll'
    $env:CCEXPORT_CHAOS_MODULE = Join-Path $Stage 'CcExport.psd1'
    $PSNativeCommandUseErrorActionPreference = $false
    dotnet (Join-Path $PSScriptRoot 'tests/CcExport.Chaos/bin/Release/net10.0/CcExport.Chaos.dll') @arguments
    exit $LASTEXITCODE
}

# With a server that waits for its disk, as one in production does, and that counts statements where it can.
function Invoke-Fleet {
    . (Join-Path $PSScriptRoot 'tools/PostgreSql.ps1')
    $settings = @('fsync=on')
    $counting = Find-PostgreSql
    if ($counting -and (Test-Path (Join-Path (& (Join-Path $counting 'pg_config') --pkglibdir) 'pg_stat_statements.*'))) { $settings += 'shared_preload_libraries=pg_stat_statements' }
    $postgres = Start-PostgreSql $settings
    if (-not $postgres) { throw 'The fleet needs PostgreSQL (initdb, pg_ctl) on this machine.' }
    $env:CCEXPORT_TEST_POSTGRES = $postgres.ConnectionString
    $PSNativeCommandUseErrorActionPreference = $false
    try {
        dotnet (Join-Path $PSScriptRoot 'tests/CcExport.Chaos/bin/Release/net10.0/CcExport.Chaos.dll') fleet @($Rest | Where-Object { $_ }) | Out-Host
        $code = $LASTEXITCODE
    }
    finally { Stop-PostgreSql $postgres }
    exit $code
}

function Invoke-Model {
    $PSNativeCommandUseErrorActionPreference = $false
    dotnet (Join-Path $PSScriptRoot 'tests/CcExport.Model/bin/Release/net10.0/CcExport.Model.dll') @($Rest | Where-Object { $_ })
    exit $LASTEXITCODE
}

function Invoke-Pack {
    Write-Step 'pack'
    $packages = Join-Path $Out 'packages'
    $check = Join-Path $Out 'packages-check'
    foreach ($folder in $packages, $check) {
        if (Test-Path $folder) { Remove-Item $folder -Recurse -Force }
        $null = New-Item $folder -ItemType Directory
    }
    $repository = "CcExportPack$PID"
    Register-PSResourceRepository -Name $repository -Uri $packages -Trusted
    try {
        Publish-PSResource -Path $Stage -Repository $repository
        Save-PSResource -Name CcExport -Repository $repository -Path $check -TrustRepository
    }
    finally { Unregister-PSResourceRepository -Name $repository }

    $version = (Import-PowerShellDataFile (Join-Path $Stage 'CcExport.psd1')).ModuleVersion
    $saved = Join-Path $check "CcExport/$version"
    $expected = Get-ChildItem $Stage -Recurse -File | ForEach-Object { [IO.Path]::GetRelativePath($Stage, $_.FullName) }
    $missing = @($expected | Where-Object { -not (Test-Path (Join-Path $saved $_)) })
    if ($missing) { throw "The package lacks: $($missing -join ', ')" }
    $home1 = Join-Path $check 'home'
    $env:CCEXPORT_HOME = $home1
    try { Invoke-Shell -Arguments '-Command', "Import-Module '$saved/CcExport.psd1'; if (@(Get-CcConnection).Count -ne 0) { exit 1 }" }
    finally { Remove-Item Env:CCEXPORT_HOME; Remove-Item $check -Recurse -Force }
    Get-ChildItem $packages -Filter '*.nupkg' | ForEach-Object { Write-Host ('{0}  {1:N1} MB' -f $_.Name, ($_.Length / 1MB)) }
}

function Invoke-Clean {
    foreach ($folder in @($Out) + @(Get-ChildItem (Join-Path $PSScriptRoot 'src'), (Join-Path $PSScriptRoot 'tests') -Directory |
                ForEach-Object { Join-Path $_.FullName 'bin'; Join-Path $_.FullName 'obj' })) {
        if (Test-Path $folder) { Remove-Item $folder -Recurse -Force }
    }
}

if ($Task -eq 'clean') { Invoke-Clean; return }
if (-not $NoBuild) { Invoke-Build }
$chaosHost = Join-Path $Hosts 'CcExport.Chaos.dll'
if (Test-Path $chaosHost) { $env:CCEXPORT_CHAOS_HOST = $chaosHost }
switch ($Task) {
    'test' { Invoke-Test }
    'demo' { Invoke-Shell -Arguments (@('-File', (Join-Path $PSScriptRoot 'tools/Demo.ps1')) + @($Rest | Where-Object { $_ })) }
    'bench' { Invoke-Shell -Arguments (@('-File', (Join-Path $PSScriptRoot 'tests/bench/Bench.ps1')) + @($Rest | Where-Object { $_ })) }
    'history' { Invoke-Shell -Arguments (@('-File', (Join-Path $PSScriptRoot 'tests/bench/History.ps1')) + @($Rest | Where-Object { $_ })) }
    'soak' { Invoke-Shell -Arguments (@('-File', (Join-Path $PSScriptRoot 'tests/bench/Soak.ps1')) + @($Rest | Where-Object { $_ })) }
    'chaos' { Invoke-Chaos }
    'fleet' { Invoke-Fleet }
    'model' { Invoke-Model }
    'pack' { Invoke-Pack }
}
