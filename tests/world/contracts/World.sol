// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// The contracts of the test world: as small as they can be while moving value in every
// way that the monitor has to see. No access control: everybody may do everything.

contract Coin {
    string public name;
    string public symbol;
    uint8 public decimals;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory name_, string memory symbol_, uint8 decimals_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
    }

    function mint(address to, uint256 value) external {
        unchecked { balanceOf[to] += value; }
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (value > 0) { allowance[from][msg.sender] -= value; }
        move(from, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function move(address from, address to, uint256 value) internal {
        balanceOf[from] -= value;
        unchecked { balanceOf[to] += value; }
        emit Transfer(from, to, value);
    }
}

contract Art {
    string public name = "Test Art";
    string public symbol = "ART";
    mapping(uint256 => address) public ownerOf;

    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);

    function mint(address to, uint256 id) external {
        require(ownerOf[id] == address(0), "exists");
        ownerOf[id] = to;
        emit Transfer(address(0), to, id);
    }

    function transferFrom(address from, address to, uint256 id) external {
        require(ownerOf[id] == from, "not the owner");
        ownerOf[id] = to;
        emit Transfer(from, to, id);
    }
}

contract Items {
    mapping(uint256 => mapping(address => uint256)) public balanceOf;

    event TransferSingle(
        address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value);
    event TransferBatch(
        address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values);

    function mint(address to, uint256 id, uint256 value) external {
        balanceOf[id][to] += value;
        emit TransferSingle(msg.sender, address(0), to, id, value);
    }

    function send(address to, uint256 id, uint256 value) external {
        balanceOf[id][msg.sender] -= value;
        balanceOf[id][to] += value;
        emit TransferSingle(msg.sender, msg.sender, to, id, value);
    }

    function sendMany(address to, uint256[] calldata ids, uint256[] calldata values) external {
        for (uint256 i = 0; i < ids.length; i++) {
            balanceOf[ids[i]][msg.sender] -= values[i];
            balanceOf[ids[i]][to] += values[i];
        }
        emit TransferBatch(msg.sender, msg.sender, to, ids, values);
    }
}

contract Forwarder {
    // Passes on what it gets.
    function forward(address payable to) external payable {
        (bool ok, ) = to.call{value: msg.value}("");
        require(ok, "refused");
    }

    // Keeps what the receiver does not take: the inner call fails, the transaction does not.
    function tryForward(address payable to) external payable {
        (bool ok, ) = to.call{value: msg.value}("");
        ok;
    }

    // Lends its balance to another's code, which sends it on: a delegatecall carries a value.
    function delegateForward(address code, address payable to) external payable {
        (bool ok, ) = code.delegatecall(abi.encodeCall(Forwarder.forward, (to)));
        require(ok, "refused");
    }
}

contract MultiSend {
    function coins(address payable[] calldata to, uint256[] calldata values) external payable {
        for (uint256 i = 0; i < to.length; i++) {
            (bool ok, ) = to[i].call{value: values[i]}("");
            require(ok, "refused");
        }
    }

    // Out of its own holding of the token.
    function tokens(Coin coin, address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) { coin.transfer(to[i], values[i]); }
    }

    receive() external payable {}
}

contract Reverter {
    function fail() external payable { revert("no"); }

    receive() external payable { revert("no coins"); }
}

contract Child {
    constructor() payable {}

    function close(address payable to) external { selfdestruct(to); }

    receive() external payable {}
}

contract Factory {
    function build(bytes32 salt) external payable returns (address) {
        return address(new Child{salt: salt, value: msg.value}());
    }

    function buildPlain() external payable returns (address) {
        return address(new Child{value: msg.value}());
    }
}

contract Liar {
    event Transfer(address indexed from, address indexed to, uint256 value);

    // Says that somebody paid somebody; nothing moves.
    function claim(address from, address to, uint256 value) external {
        emit Transfer(from, to, value);
    }
}
